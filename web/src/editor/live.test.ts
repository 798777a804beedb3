import { expect, it } from 'vitest';

import { concerns } from './live';

it('tells which files a change concerns', () => {
  const changes = { paths: ['src/a.py', 'old'], more: false };
  expect(['src/a.py', 'old/deep/b.py', 'older/b.py', 'src/a.pyi'].map((path) => concerns(changes, path))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(concerns({ paths: [], more: true }, 'any')).toBe(true);
});
