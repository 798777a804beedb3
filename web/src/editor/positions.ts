import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';

import type { Problem } from './files';

/** Finds a place in a text; one that it does not have becomes the nearest that it has. */
export function positionOf(text: Text, line: number, column = 1): number {
  const { from, text: content } = text.line(Math.max(1, Math.min(line, text.lines)));
  return from + widthOf(content, column - 1);
}

/** Says where a position is, in lines and columns from 1; columns count whole characters. */
export function placeOf(text: Text, position: number): { line: number; column: number } {
  const line = text.lineAt(position);
  // In a line without end, counting every character would hold the typing up.
  const before = line.text.slice(0, position - line.from);
  const column = before.length > 10_000 ? before.length : Array.from(before).length;
  return { line: line.number, column: column + 1 };
}

/** Marks a problem in the text: the word that begins there, or the last character of the line. */
export function diagnosticOf(text: Text, problem: Problem): Diagnostic {
  const line = text.line(Math.max(1, Math.min(problem.line, text.lines)));
  let from = positionOf(text, problem.line, problem.column);
  const word = /^[\p{L}\p{N}_]+/u.exec(line.text.slice(from - line.from, from - line.from + 200));
  const to = Math.min(line.to, from + (word?.[0].length ?? 1));
  if (from === to && from > line.from) from -= 1;
  const { message, severity, source } = problem;
  return { from, to, message, severity, source };
}

function widthOf(content: string, characters: number): number {
  let width = 0;
  for (let count = 0; count < characters && width < content.length; count += 1) {
    width += (content.codePointAt(width) ?? 0) > 0xffff ? 2 : 1;
  }
  return width;
}

/** Says what must be replaced in one text to get another: all but the same beginning and end. */
export function replacement(before: string, after: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start += 1;
  let end = 0;
  const longest = shorter - start;
  while (
    end < longest &&
    before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)
  ) {
    end += 1;
  }
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
