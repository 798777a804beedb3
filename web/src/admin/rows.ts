/** What a column of a table says of a row, for sorting. */
export type Value = string | number | null;

/** Sorts rows; `-` before the column's name turns the order around. Rows that say nothing come last. */
export function sorted<R>(rows: readonly R[], sort: string, valueOf: (row: R, column: string) => Value): R[] {
  const turned = sort.startsWith('-');
  const column = turned ? sort.slice(1) : sort;
  return rows.toSorted((a, b) => compare(valueOf(a, column), valueOf(b, column), turned ? -1 : 1));
}

function compare(a: Value, b: Value, direction: 1 | -1): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return direction * (a - b);
  return direction * String(a).localeCompare(String(b));
}
