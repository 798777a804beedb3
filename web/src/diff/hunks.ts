import { changesOf, linesOf, type Change } from './lines';
import { wordsOf, type Piece } from './words';

/** A line of a hunk as it is shown; numbers begin at 1. */
export interface Row {
  kind: 'same' | 'removed' | 'added';
  /** The line with its ending. */
  text: string;
  oldLine: number | null;
  newLine: number | null;
  /** Which of its words differ, where that is worth showing. */
  words: Piece[] | null;
}

/** A place that changes; from its first changed line to its last, others between them included. */
export interface Hunk extends Change {
  index: number;
  oldText: string;
  newText: string;
  added: number;
  removed: number;
  /** The lines of the place, with some around it. */
  rows: Row[];
}

/** A text, what it would become, and the places where they differ. */
export interface Comparison {
  before: string;
  after: string;
  hunks: Hunk[];
}

/** What somebody wants of a hunk: whether it is made, and with which text instead of its own. */
export interface Choice {
  on: boolean;
  text: string | null;
}

const CONTEXT = 3;

/** Finds the places where two texts differ; those that lie close together are one. */
export function compare(before: string, after: string): Comparison {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const groups: Change[][] = [];
  for (const change of changesOf(old, fresh)) {
    const last = groups.at(-1);
    const end = last?.at(-1)?.oldEnd;
    if (last && end !== undefined && change.oldStart - end <= 2 * CONTEXT) last.push(change);
    else groups.push([change]);
  }
  return { before, after, hunks: groups.map((group, index) => hunkOf(old, fresh, group, index)) };
}

/** Makes the chosen hunks and leaves the others; without a choice a hunk is made as it is. */
export function apply({ before, hunks }: Comparison, choices: readonly (Choice | undefined)[] = []): string {
  const lines = linesOf(before);
  const parts: string[] = [];
  let next = 0;
  for (const hunk of hunks) {
    const choice = choices[hunk.index] ?? { on: true, text: null };
    parts.push(...lines.slice(next, hunk.oldStart));
    parts.push(choice.on ? (choice.text ?? hunk.newText) : hunk.oldText);
    next = hunk.oldEnd;
  }
  parts.push(...lines.slice(next));
  return parts.join('');
}

/** What became of choices when the texts that they were made for changed. */
export interface Rebased {
  choices: Choice[];
  /** Hunks that were not there before, or were different: nobody has looked at them. */
  unseen: ReadonlySet<number>;
  /** How many choices were for hunks that are no more. */
  dropped: number;
}

/** Carries choices over to another comparison: a hunk that is the same keeps its choice. */
export function rebase(from: Comparison, choices: readonly Choice[], to: Comparison): Rebased {
  const known = new Map<string, Choice[]>();
  for (const hunk of from.hunks) {
    const same = known.get(keyOf(hunk)) ?? [];
    known.set(keyOf(hunk), [...same, choices[hunk.index] ?? { on: true, text: null }]);
  }
  const unseen = new Set<number>();
  const kept = to.hunks.map((hunk) => {
    const choice = known.get(keyOf(hunk))?.shift();
    if (choice) return choice;
    unseen.add(hunk.index);
    return { on: true, text: null };
  });
  const left = [...known.values()].flat();
  return { choices: kept, unseen, dropped: left.filter((choice) => !choice.on || choice.text !== null).length };
}

/**
 * Whether a hunk's text can be edited in a field of the page without changing what is not meant.
 *
 * A field turns a carriage return that stands by itself into a new line.
 */
export function canEdit(hunk: Hunk): boolean {
  return !/\r(?!\n)/.test(hunk.newText);
}

/**
 * Takes a hunk's text as it was edited in a field, where all lines end with a line feed.
 *
 * @returns The text with the endings of the file, or none if it is what it was.
 */
export function editedText(hunk: Hunk, { before, after }: Comparison, typed: string): string | null {
  if (typed === fieldText(hunk)) return null;
  const around = hunk.newText.includes('\n') ? hunk.newText : `${before}${after}`;
  const ending = /\r\n/.test(around) && !/(^|[^\r])\n/.test(around) ? '\r\n' : '\n';
  const isLast = hunk.newEnd === linesOf(after).length && hunk.oldEnd === linesOf(before).length;
  const closed = typed === '' || typed.endsWith('\n') || isLast ? typed : `${typed}\n`;
  return closed.replaceAll('\n', ending);
}

/** A hunk's text as a field of the page holds it. */
export function fieldText(hunk: Hunk, text: string = hunk.newText): string {
  return text.replaceAll('\r\n', '\n');
}

function keyOf({ oldText, newText }: Hunk): string {
  return JSON.stringify([oldText, newText]);
}

function hunkOf(old: string[], fresh: string[], changes: Change[], index: number): Hunk {
  const [first, last] = [changes[0], changes.at(-1)];
  if (!first || !last) throw new Error('A hunk has a change.');
  const place = { oldStart: first.oldStart, oldEnd: last.oldEnd, newStart: first.newStart, newEnd: last.newEnd };
  const rows: Row[] = [];
  let at = Math.max(0, place.oldStart - CONTEXT);
  const shift = { by: place.newStart - place.oldStart };
  const same = (end: number): void => {
    for (; at < end; at += 1) {
      rows.push({ kind: 'same', text: old[at] ?? '', oldLine: at + 1, newLine: at + shift.by + 1, words: null });
    }
  };
  for (const change of changes) {
    same(change.oldStart);
    rows.push(...rowsOf(old, fresh, change));
    at = change.oldEnd;
    shift.by = change.newEnd - change.oldEnd;
  }
  same(Math.min(old.length, place.oldEnd + CONTEXT));
  return {
    ...place,
    index,
    oldText: old.slice(place.oldStart, place.oldEnd).join(''),
    newText: fresh.slice(place.newStart, place.newEnd).join(''),
    added: changes.reduce((sum, change) => sum + change.newEnd - change.newStart, 0),
    removed: changes.reduce((sum, change) => sum + change.oldEnd - change.oldStart, 0),
    rows,
  };
}

function rowsOf(old: string[], fresh: string[], change: Change): Row[] {
  const removed = old.slice(change.oldStart, change.oldEnd);
  const added = fresh.slice(change.newStart, change.newEnd);
  const words = wordsOf(removed, added);
  return [
    ...removed.map((text, index): Row => {
      const oldLine = change.oldStart + index + 1;
      return { kind: 'removed', text, oldLine, newLine: null, words: words?.removed[index] ?? null };
    }),
    ...added.map((text, index): Row => {
      const newLine = change.newStart + index + 1;
      return { kind: 'added', text, oldLine: null, newLine, words: words?.added[index] ?? null };
    }),
  ];
}
