import type { Row } from '../diff/hunks';

/** What stands beside each other: a removed line and the one that takes its place. */
export interface Pair {
  left: Row | null;
  right: Row | null;
}

/** Puts the lines of a hunk side by side. */
export function sideBySide(rows: readonly Row[]): Pair[] {
  const pairs: Pair[] = [];
  let removed: Row[] = [];
  let added: Row[] = [];
  const close = (): void => {
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
      pairs.push({ left: removed[index] ?? null, right: added[index] ?? null });
    }
    [removed, added] = [[], []];
  };
  for (const row of rows) {
    if (row.kind === 'removed') removed.push(row);
    else if (row.kind === 'added') added.push(row);
    else {
      close();
      pairs.push({ left: row, right: row });
    }
  }
  close();
  return pairs;
}
