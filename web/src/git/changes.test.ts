import { describe, expect, it } from 'vitest';

import { distance, keyOf, pathsOf, rowsOf, split, subjectLength, type ChangedPath } from './changes';

function entry(path: string, more: Partial<ChangedPath>): ChangedPath {
  return { path, staged: '', unstaged: '', conflict: '', ...more };
}

const rows = rowsOf([
  entry('a.txt', { staged: 'M', unstaged: 'M', staged_lines: { added: 2, removed: 1 } }),
  entry('new/b.txt', { unstaged: '?' }),
  entry('c.txt', { unstaged: 'U', conflict: 'both modified' }),
  entry('d.bin', { unstaged: 'D', unstaged_lines: { added: null, removed: null } }),
]);

describe('the list of changes', () => {
  it('groups files, and shows one that is staged in part twice', () => {
    expect(rows.map(keyOf)).toEqual([
      'conflicts',
      'conflicts:c.txt',
      'staged',
      'staged:a.txt',
      'changes',
      'changes:a.txt',
      'changes:d.bin',
      'untracked',
      'untracked:new/b.txt',
    ]);
    expect(rows[3]).toMatchObject({ letter: 'M', added: 2, removed: 1 });
    expect(rows[6]).toMatchObject({ letter: 'D', added: null });
    expect(rowsOf([])).toEqual([]);
  });

  it('knows what a heading is about', () => {
    expect(pathsOf(rows[4] as never, rows)).toEqual(['a.txt', 'd.bin']);
    expect(pathsOf(rows[3] as never, rows)).toEqual(['a.txt']);
  });

  it('takes paths apart', () => {
    expect(split('a/b/c.txt')).toEqual({ name: 'c.txt', folder: 'a/b' });
    expect(split('inner/')).toEqual({ name: 'inner/', folder: '' });
  });

  it('counts letters as people do', () => {
    expect(subjectLength('\n  Fix 👍\n\nmore')).toBe(5);
    expect(subjectLength('')).toBe(0);
  });

  it('says how far apart branches are', () => {
    const status = { ahead: 2, behind: 1 } as Parameters<typeof distance>[0];
    expect(distance(status)).toBe('↑2 ↓1');
    expect(distance({ ...status, ahead: 0, behind: 0 })).toBe('');
  });
});
