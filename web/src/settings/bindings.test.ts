import { describe, expect, it } from 'vitest';

import { objectionTo, pressed, takenBy } from './bindings';

describe('the choice of keys', () => {
  it.each([
    ['A', 'plain'],
    ['Shift+/', 'plain'],
    ['Space', 'plain'],
    ['Ctrl+W', 'browser'],
    ['Ctrl+K A', null],
    ['F7', null],
    ['Alt++', null],
  ])('%s: %s', (keys, objection) => {
    expect(objectionTo(keys)).toBe(objection);
  });

  it('names whose keys they are already', () => {
    const bindings = new Map([
      ['a', 'Ctrl+K'],
      ['b', 'Ctrl+K B'],
      ['c', 'Ctrl+B'],
    ]);
    expect(takenBy('c', 'Ctrl+K', bindings)).toEqual(['a', 'b']);
    expect(takenBy('a', 'Ctrl+K', bindings)).toEqual(['b']);
    expect(takenBy('b', 'Alt+B', bindings)).toEqual([]);
  });

  it('is one combination or two', () => {
    expect(pressed(pressed([], 'Ctrl+K'), 'A')).toEqual(['Ctrl+K', 'A']);
    expect(pressed(['Ctrl+K', 'A'], 'F7')).toEqual(['F7']);
  });
});
