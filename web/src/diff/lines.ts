import { diffArrays } from 'diff';

/** Lines a to b of the old text become lines c to d of the new one; the ends are not in it. */
export interface Change {
  oldStart: number;
  oldEnd: number;
  newStart: number;
  newEnd: number;
}

/** Comparing costs edits times edits; beyond so many, one block takes the other's place. */
const MOST_EDITS = 600;

/** Takes a text apart; each line keeps its line feed, the last may have none. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

/** Finds what has to change in some lines so that they become others; the same for the same texts. */
export function changesOf(before: readonly string[], after: readonly string[]): Change[] {
  const found: Change[] = [];
  compare(before, after, { oldStart: 0, oldEnd: before.length, newStart: 0, newEnd: after.length }, found);
  return joined(found);
}

function compare(before: readonly string[], after: readonly string[], whole: Change, found: Change[]): void {
  const part = trimmed(before, after, whole);
  if (part.oldStart === part.oldEnd && part.newStart === part.newEnd) return;
  if (part.oldStart === part.oldEnd || part.newStart === part.newEnd) {
    found.push(part);
    return;
  }
  const anchors = anchorsOf(before, after, part);
  if (anchors.length === 0) {
    exact(before, after, part, found);
    return;
  }
  // Between lines that occur once on both sides; where they stand still, there is no doubt.
  let { oldStart, newStart } = part;
  for (const [oldLine, newLine] of anchors) {
    compare(before, after, { oldStart, oldEnd: oldLine, newStart, newEnd: newLine }, found);
    [oldStart, newStart] = [oldLine + 1, newLine + 1];
  }
  compare(before, after, { oldStart, oldEnd: part.oldEnd, newStart, newEnd: part.newEnd }, found);
}

function trimmed(before: readonly string[], after: readonly string[], part: Change): Change {
  let { oldStart, oldEnd, newStart, newEnd } = part;
  while (oldStart < oldEnd && newStart < newEnd && before[oldStart] === after[newStart]) {
    oldStart += 1;
    newStart += 1;
  }
  while (oldStart < oldEnd && newStart < newEnd && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd -= 1;
    newEnd -= 1;
  }
  return { oldStart, oldEnd, newStart, newEnd };
}

/** The longest row of lines that occur once on each side and stand in the same order. */
function anchorsOf(before: readonly string[], after: readonly string[], part: Change): [number, number][] {
  const there = onlyOnes(before, part.oldStart, part.oldEnd);
  const here = onlyOnes(after, part.newStart, part.newEnd);
  const pairs: [number, number][] = [];
  for (const [line, oldLine] of there) {
    const newLine = here.get(line) ?? -1;
    if (oldLine >= 0 && newLine >= 0) pairs.push([oldLine, newLine]);
  }
  return rising(pairs);
}

/** Where each line is, or -1 for one that occurs more than once; in the order of the lines. */
function onlyOnes(lines: readonly string[], start: number, end: number): Map<string, number> {
  const places = new Map<string, number>();
  for (let index = start; index < end; index += 1) {
    const line = lines[index] ?? '';
    places.set(line, places.has(line) ? -1 : index);
  }
  return places;
}

function rising(pairs: readonly [number, number][]): [number, number][] {
  const ends: number[] = [];
  const before = pairs.map(() => -1);
  const at = (index: number): number => pairs[index]?.[1] ?? -1;
  for (let index = 0; index < pairs.length; index += 1) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(ends[middle] ?? -1) < at(index)) low = middle + 1;
      else high = middle;
    }
    before[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  }
  const found: [number, number][] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index] ?? -1) {
    const pair = pairs[index];
    if (pair) found.push(pair);
  }
  return found.toReversed();
}

function exact(before: readonly string[], after: readonly string[], part: Change, found: Change[]): void {
  const parts = diffArrays(
    before.slice(part.oldStart, part.oldEnd),
    after.slice(part.newStart, part.newEnd),
    { maxEditLength: MOST_EDITS },
  );
  if (parts === undefined) {
    found.push(part);
    return;
  }
  let { oldStart, newStart } = part;
  for (const { added, removed, value } of parts) {
    const oldEnd = added ? oldStart : oldStart + value.length;
    const newEnd = removed ? newStart : newStart + value.length;
    if (added || removed) found.push({ oldStart, oldEnd, newStart, newEnd });
    [oldStart, newStart] = [oldEnd, newEnd];
  }
}

/** Makes one of changes between which nothing stays. */
function joined(changes: readonly Change[]): Change[] {
  const found: Change[] = [];
  for (const change of changes) {
    const last = found.at(-1);
    if (last && last.oldEnd === change.oldStart && last.newEnd === change.newStart) {
      last.oldEnd = change.oldEnd;
      last.newEnd = change.newEnd;
    } else {
      found.push({ ...change });
    }
  }
  return found;
}
