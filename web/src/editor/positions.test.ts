import { Text } from '@codemirror/state';
import { describe, expect, it } from 'vitest';

import { diagnosticOf, placeOf, positionOf, replacement } from './positions';

const text = Text.of(['let 🎉 = one;', '', 'end']);

describe('places in a text', () => {
  it('count whole characters, and stay inside', () => {
    expect(positionOf(text, 1, 7)).toBe(7);
    expect(placeOf(text, 7)).toEqual({ line: 1, column: 7 });
    expect(positionOf(text, 99, 99)).toBe(text.length);
    expect(positionOf(text, 0, 0)).toBe(0);
    expect(positionOf(text, 2, 5)).toBe(text.line(2).from);
  });

  it('are marked by the word there, or the last character of the line', () => {
    const problem = { message: 'wrong', severity: 'error', source: 'Python' } as const;
    expect(diagnosticOf(text, { ...problem, line: 1, column: 9 })).toMatchObject({ from: 9, to: 12 });
    expect(diagnosticOf(text, { ...problem, line: 1, column: 99 })).toMatchObject({ from: 12, to: 13 });
    expect(diagnosticOf(text, { ...problem, line: 2, column: 1 })).toMatchObject({ from: 14, to: 14 });
  });
});

it('replaces only what is different', () => {
  const pairs = [
    ['abc', 'abxc'],
    ['aaa', 'aa'],
    ['', 'new'],
    ['old', ''],
    ['same', 'same'],
    ['aXbXc', 'aYbYc'],
  ] as const;
  for (const [before, after] of pairs) {
    const { from, to, insert } = replacement(before, after);
    expect(before.slice(0, from) + insert + before.slice(to)).toBe(after);
  }
  expect(replacement('one two three', 'one 2 three')).toEqual({ from: 4, to: 7, insert: '2' });
});
