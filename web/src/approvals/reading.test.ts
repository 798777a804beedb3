import { describe, expect, test } from 'vitest';

import { compare } from '../diff/hunks';
import { alwaysOf, clock, editable, firstHunk, isReviewable, letterOf, needsReview, ruleText, targetOf } from './reading';
import { sideBySide } from './sides';
import type { Approval, CallFacts } from './waiting.svelte';

const NONE: CallFacts = { always_refused: '' };
const FILE = { path: 'src/a.py', change: 'replace', size: 10, added: 1, removed: 1, hunks: 1 } as const;
const COMMAND = {
  folder: '/p',
  layer: 'bubblewrap',
  network: 'none',
  timeout_s: 30,
  read_only: false,
  parts: ['pytest -q'],
  doubt: '',
};

function approval(facts: Partial<CallFacts>, more: Partial<Approval> = {}): Approval {
  return {
    id: '1',
    session_id: 's',
    call_id: 'c',
    agent: 'coder',
    tool: 'write_file',
    question: 'run',
    reason: '',
    parameters: {},
    risk: 'high',
    preview: '',
    facts: { ...NONE, ...facts },
    digest: '',
    status: 'pending',
    created_at: '',
    expires_at: '',
    responded_at: null,
    response: null,
    ...more,
  };
}

describe('the first place of a diff', () => {
  const heading = '--- a/x\n+++ b/x\n';

  test('is what the card shows, and it says what it leaves out', () => {
    const shown = firstHunk(`${heading}@@ -1,2 +1,2 @@\n same\n---\n+++\n\\ No newline\n@@ -9 +9 @@\n-a\n+b`);
    expect(shown.lines.map((line) => [line.kind, line.text])).toEqual([
      ['place', '@@ -1,2 +1,2 @@'],
      ['same', 'same'],
      ['removed', '--'],
      ['added', '++'],
      ['note', '\\ No newline'],
    ]);
    expect([shown.moreLines, shown.morePlaces]).toEqual([0, 1]);
  });

  test('is cut when it is long', () => {
    const long = Array.from({ length: 60 }, (_, at) => `+${at}`).join('\n');
    const shown = firstHunk(`${heading}@@ -0,0 +1,60 @@\n${long}`);
    expect([shown.lines.length, shown.moreLines]).toEqual([40, 21]);
  });
});

test('a call’s target is its file, its branch, its command, or else its tool', () => {
  expect(targetOf(approval({ file: FILE }))).toBe('src/a.py');
  expect(targetOf(approval({}, { parameters: { command: 'ls\nrm x' } }))).toBe('ls');
  expect(targetOf(approval({}, { tool: 'launch' }))).toBe('launch');
});

test('commands and commit messages are edited in the card, but never on a second run', () => {
  const parameters = { command: 'ls' };
  expect(editable(approval({ command: COMMAND }, { parameters }))).toBe('command');
  expect(editable(approval({ command: COMMAND }, { parameters, question: 'retry' }))).toBeNull();
  expect(editable(approval({ file: FILE }))).toBeNull();
});

test('what changes in more than one place, or much, is for the review', () => {
  expect(needsReview(approval({ file: FILE }))).toBe(false);
  expect(needsReview(approval({ file: { ...FILE, hunks: 2 } }))).toBe(true);
  expect(needsReview(approval({ file: { ...FILE, added: 41 } }))).toBe(true);
  expect(isReviewable(approval({ file: { ...FILE, change: 'delete' } }))).toBe(false);
});

test('rules say what they are about, before they are made', () => {
  expect(ruleText({ tool: 'execute_command', commands: ['pytest -q'] })).toBe('execute_command: pytest -q');
  expect(ruleText({ tool: 'read_file' })).toBe('read_file');
  const always = { tool: 'write_file', paths: ['/a.py'], commands: [], lifetime: 'session' as const };
  expect(alwaysOf({ ...NONE, always }).rule).toBe('write_file: /a.py');
  expect(alwaysOf({ ...NONE, always_refused: 'Asked every time.' })).toEqual({
    rule: null,
    refused: 'Asked every time.',
  });
});

test('time left is written like a clock', () => {
  expect([245_000, 59_400, -1, 3_725_000].map(clock)).toEqual(['4:05', '1:00', '0:00', '1:02:05']);
});

test('a letter is the printed one, or its place where another script is', () => {
  expect(letterOf({ key: 'y', code: 'KeyZ' })).toBe('y');
  expect(letterOf({ key: 'н', code: 'KeyY' })).toBe('y');
});

test('side by side, a line stands next to the one that takes its place', () => {
  const [hunk] = compare('a\nb\nc\n', 'a\nB\nB2\nc\n').hunks;
  const pairs = sideBySide(hunk?.rows ?? []).map(({ left, right }) => [left?.text ?? null, right?.text ?? null]);
  expect(pairs).toEqual([
    ['a\n', 'a\n'],
    ['b\n', 'B\n'],
    [null, 'B2\n'],
    ['c\n', 'c\n'],
  ]);
});
