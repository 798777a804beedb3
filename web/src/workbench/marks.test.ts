import { expect, it } from 'vitest';

import { Marks } from './marks.svelte';

it('marks files, the folders around them and all that is in a new folder', () => {
  const marks = new Marks();
  marks.set([
    ['src/shop/cart.py', 'modified'],
    ['src/fresh/', 'new'],
    ['main.py', 'conflict'],
  ]);
  const paths = ['src/shop/cart.py', 'src/shop', 'src', 'src/other.py', 'src/fresh', 'src/fresh/deep/a.py', 'main.py', 'lib'];
  expect(paths.map((path) => marks.of(path))).toEqual([
    'modified',
    'inside',
    'inside',
    null,
    'new',
    'new',
    'conflict',
    null,
  ]);
  marks.set([]);
  expect(marks.of('main.py')).toBeNull();
});
