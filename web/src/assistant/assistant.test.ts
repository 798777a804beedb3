// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';

import { complete, completing, mentionOf } from './completion';
import { foundLabel, linesLabel } from './labels';
import { foldersIn } from './paths';
import { readCommand, readUndo } from './slash';
import { bounded, kindOf, targetOf } from './tool-lines';

function typed(text: string): [string, string] | null {
  const found = completing(text, text.length);
  return found && [found.kind, found.typed];
}

describe('completion', () => {
  it('finds what is being typed', () => {
    expect(typed('Look at @src/a')).toEqual(['mention', 'src/a']);
    expect(typed('(@')).toEqual(['mention', '']);
    expect(typed('see @"my fi')).toEqual(['mention', 'my fi']);
    expect(typed('посмотри @файл')).toEqual(['mention', 'файл']);
    expect(typed('/ch')).toEqual(['command', 'ch']);
    expect(typed('/agent co')).toEqual(['agent', 'co']);
    expect(typed('/agent @co')).toEqual(['agent', 'co']);
    expect(typed('/model ')).toEqual(['model', '']);
    for (const text of ['me@example.org', 'plain', '@a b', 'a /ch', '/etc/host']) {
      expect(typed(text), text).toBeNull();
    }
  });

  it('puts a mention in its place, quoted where it must be', () => {
    const at = completing('see @my and', 7);
    expect(at && complete('see @my and', at, mentionOf('my file.py'))).toEqual({
      text: 'see @"my file.py" and',
      caret: 18,
    });
    expect([mentionOf('src/a.py'), mentionOf('src/'), mentionOf('a"b')]).toEqual([
      '@src/a.py',
      '@src/',
      "@'a\"b'",
    ]);
    const last = completing('@co', 3);
    expect(last && complete('@co', last, '@coder')).toEqual({ text: '@coder ', caret: 7 });
  });
});

describe('what was looked up', () => {
  const pieces = [
    { path: 'src/cart.py', from: 3, to: 9 },
    { path: 'src/cart.py', from: 20, to: 20 },
    { path: 'mail.py', from: 1, to: 4 },
  ];

  it('is counted by files and named by lines', () => {
    expect(foundLabel(pieces)).toBe('Read 2 files');
    expect(foundLabel(pieces.slice(2))).toBe('Read 1 file');
    expect(pieces.map(linesLabel)).toEqual(['lines 3–9 of src/cart.py', 'line 20 of src/cart.py', 'lines 1–4 of mail.py']);
  });
});

describe('folders', () => {
  it('are offered when their own path fits', () => {
    const paths = ['src/shop/basket.py', 'src/shop/sub/a.py', 'tests/shop.py'];
    expect(foldersIn(paths, 'shop')).toEqual(['src/shop/', 'src/shop/sub/']);
  });
});

describe('commands', () => {
  it('are read, and paths are none', () => {
    expect(readCommand('/Undo abc files')).toEqual({ name: 'undo', argument: 'abc files' });
    expect(readCommand('/help')).toEqual({ name: 'help', argument: '' });
    expect(readCommand('/nonsense')).toBe('unknown');
    expect(readCommand('/etc/hosts is odd')).toBeNull();
    expect(readCommand('what is /undo')).toBeNull();
    expect(readUndo('files ab12')).toEqual({ wanted: 'ab12', files: true, conversation: false });
    expect(readUndo('')).toEqual({ wanted: '', files: true, conversation: true });
  });
});

describe('a tool call in one line', () => {
  it('says what it is about', () => {
    expect(['execute_command', 'write_file', 'git_commit', 'mystery'].map(kindOf)).toEqual([
      'run',
      'write',
      'git',
      'other',
    ]);
    expect(targetOf({ parameters: { path: 'a.py', command: 'ls\npwd' } })).toBe('ls ⏎ pwd');
    expect(targetOf({ parameters: { steps: [] } })).toBe('');
    expect(bounded('1\n2\n3\n', 2, 'end')).toEqual({ text: '2\n3', hidden: 1 });
    expect(bounded('1\n2', 2, 'start')).toEqual({ text: '1\n2', hidden: 0 });
  });
});
