import { describe, expect, it } from 'vitest';

import { sorted, type Value } from './rows';

describe('a table', () => {
  const rows = [
    { name: 'b', seen: null },
    { name: 'a', seen: 10 },
    { name: 'c', seen: 9 },
  ];
  const names = (sort: string) =>
    sorted(rows, sort, (row, column): Value => (column === 'seen' ? row.seen : row.name)).map((row) => row.name);

  it('is sorted by a column, either way', () => {
    expect(names('name')).toEqual(['a', 'b', 'c']);
    expect(names('-name')).toEqual(['c', 'b', 'a']);
  });

  it('sorts numbers as numbers and puts what is not known last', () => {
    expect(names('seen')).toEqual(['c', 'a', 'b']);
    expect(names('-seen')).toEqual(['a', 'c', 'b']);
  });
});
