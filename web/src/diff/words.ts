import { diffWordsWithSpace } from 'diff';

import { linesOf } from './lines';

/** A piece of a line; `changed` pieces are what the other side does not have. */
export interface Piece {
  text: string;
  changed: boolean;
}

/** Longer blocks are not read word by word by anybody. */
const LONGEST = 6000;
/** With less in common, marks are noise. */
const LEAST_SHARED = 0.35;

/**
 * Marks which words of removed and added lines differ.
 *
 * @returns The pieces of each removed and each added line, or none where marks would not help.
 */
export function wordsOf(
  removed: readonly string[],
  added: readonly string[],
): { removed: Piece[][]; added: Piece[][] } | null {
  const [before, after] = [removed.join(''), added.join('')];
  if (before === '' || after === '' || before.length + after.length > LONGEST) return null;
  const parts = diffWordsWithSpace(before, after);
  const shared = parts.reduce((sum, part) => (part.added || part.removed ? sum : sum + part.value.length), 0);
  if ((2 * shared) / (before.length + after.length) < LEAST_SHARED) return null;
  const pick = (side: 'removed' | 'added', other: 'removed' | 'added'): Piece[][] =>
    byLine(
      parts
        .filter((part) => !part[other])
        .map((part) => ({ text: part.value, changed: Boolean(part[side]) })),
    );
  return { removed: pick('removed', 'added'), added: pick('added', 'removed') };
}

function byLine(pieces: readonly Piece[]): Piece[][] {
  const lines: Piece[][] = [];
  let line: Piece[] = [];
  for (const piece of pieces) {
    for (const text of linesOf(piece.text)) {
      line.push({ text, changed: piece.changed });
      if (!text.endsWith('\n')) continue;
      lines.push(line);
      line = [];
    }
  }
  if (line.length > 0) lines.push(line);
  return lines;
}
