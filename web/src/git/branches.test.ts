import { describe, expect, it } from 'vitest';

import { choicesFor, deletable, isBranchName } from './branches';

const of = (name: string, kind: 'local' | 'remote', more = {}) => ({
  name,
  kind,
  commit: 'c',
  at: '',
  subject: 's',
  upstream: '',
  is_current: false,
  is_merged: true,
  ...more,
});
const BRANCHES = [
  of('main', 'local', { is_current: true }),
  of('feature/a', 'local', { is_merged: false }),
  of('old', 'local'),
  of('origin/main', 'remote'),
  of('origin/feature/b', 'remote'),
];

describe('branches to choose from', () => {
  it('offers each once, and remote ones as branches to be made', () => {
    expect(choicesFor('', BRANCHES).map((each) => [each.branch, each.start])).toEqual([
      ['main', undefined],
      ['feature/a', undefined],
      ['old', undefined],
      ['feature/b', 'origin/feature/b'],
    ]);
  });

  it('offers a new one when the name can be one', () => {
    expect(choicesFor(' FEATURE/a2 ', BRANCHES)).toMatchObject([{ kind: 'new', branch: 'FEATURE/a2', start: '' }]);
    expect(choicesFor('old', BRANCHES)).toHaveLength(1);
    expect(choicesFor('a b', BRANCHES)).toEqual([]);
  });

  it('deletes what is merged and not in use', () => {
    expect(deletable('', BRANCHES).map((each) => each.branch)).toEqual(['old']);
  });

  it('knows what git takes for a name', () => {
    for (const name of ['a', 'feature/x-1', 'ветка']) expect(isBranchName(name), name).toBe(true);
    for (const name of ['', '-d', '@', 'a..b', 'x.lock', 'a/.b', 'HEAD', 'refs/heads/x', 'a\u202eb', 'f'.repeat(40)]) {
      expect(isBranchName(name), name).toBe(false);
    }
  });
});
