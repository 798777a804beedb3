import { describe, expect, it } from 'vitest';

import { findTyped, flatten, foldersAround, isWithin, movedPath, nameProblem, type Child, type Loaded } from './tree';

function child(path: string, kind: Child['kind'] = 'file'): Child {
  const name = path.split('/').at(-1) ?? '';
  return { name, path, kind, size: 0, is_link: false, is_ignored: false, can_open: true };
}

function loaded(...entries: Child[]): Loaded {
  return { entries, cursor: null, cut: false };
}

const folders = new Map<string, Loaded>([
  ['', loaded(child('src', 'folder'), child('vendor', 'folder'), child('README.md'))],
  ['src', { entries: [child('src/main.ts')], cursor: 'next', cut: true }],
]);

describe('the tree', () => {
  it('lays out open folders only, with what is still to come', () => {
    expect(flatten(new Map(), new Set(), null).map((row) => row.id)).toEqual([' loading:']);
    expect(flatten(folders, new Set(), null).map((row) => row.id)).toEqual(['src', 'vendor', 'README.md']);
    const rows = flatten(folders, new Set(['src', 'vendor']), null);
    expect(rows.map((row) => [row.id, row.depth])).toEqual([
      ['src', 0],
      ['src/main.ts', 1],
      [' more:src', 1],
      ['vendor', 0],
      [' loading:vendor', 1],
      ['README.md', 0],
    ]);
    expect(rows[0]).toMatchObject({ expanded: true, place: 1, of: 3 });
    expect(rows[5]).toMatchObject({ expanded: null, place: 3, of: 3 });
  });

  it('shows an empty folder, and one that is too large', () => {
    const odd = new Map([
      ['', loaded(child('a', 'folder'), child('b', 'folder'))],
      ['a', loaded()],
      ['b', { entries: [], cursor: null, cut: true }],
    ]);
    const notes = flatten(odd, new Set(['a', 'b']), null).filter((row) => row.kind === 'note');
    expect(notes.map((row) => row.note)).toEqual(['empty', 'cut']);
  });

  it('puts a new name first in its folder, and another name in its own place', () => {
    const fresh = flatten(folders, new Set(['src']), { parent: 'src', path: null, isFolder: false });
    expect(fresh[1]).toMatchObject({ kind: 'draft', depth: 1 });
    const renamed = flatten(folders, new Set(), { parent: '', path: 'vendor', isFolder: true });
    expect(renamed.map((row) => row.id)).toEqual(['src', ' draft', 'README.md']);
  });

  it('finds what is typed, round and round', () => {
    const rows = flatten(folders, new Set(), null);
    expect(findTyped(rows, 0, 'r')).toBe(2);
    expect(findTyped(rows, 2, 's')).toBe(0);
    expect(findTyped(rows, 1, 've')).toBe(1);
    expect(findTyped(rows, 0, 'x')).toBe(-1);
  });
});

describe('paths', () => {
  it('know what lies in what', () => {
    expect(foldersAround('a/b/c.txt')).toEqual(['a', 'a/b']);
    expect(isWithin('ab/c', 'a')).toBe(false);
    expect(isWithin('a/c', 'a')).toBe(true);
    expect(movedPath('a/b/c', 'a', 'x/a')).toBe('x/a/b/c');
    expect(movedPath('ab', 'a', 'x')).toBe('ab');
  });

  it('say why a name cannot be one', () => {
    expect(['', ' ', 'a//b', 'a/', '..', 'a/../b', 'я'.repeat(128), 'a b.txt', 'a/b'].map(nameProblem)).toEqual([
      'empty',
      'empty',
      'slash',
      'slash',
      'dots',
      'dots',
      'long',
      null,
      null,
    ]);
  });
});
