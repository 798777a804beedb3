/** A piece of a text; `mark` is the name of a character that could deceive the eye. */
export interface Piece {
  text: string;
  mark: boolean;
}

/** Controls but tab and line feed, what turns the writing around, and what has no width at all. */
const RANGES = [
  [0x0, 0x8],
  [0xb, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200c],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0d],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
] as const;
const CLASS = RANGES.map((range) => range.map((code) => `\\u{${code.toString(16)}}`).join('-')).join('');
// The joiner holds the parts of one emoji together; elsewhere it hides.
const JOINER = '(?<!\\p{Extended_Pictographic}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]?)\\u200d';
// One chooses how a sign before it looks; a row of them can hold a whole program.
const SELECTOR = '(?<![\\p{Extended_Pictographic}\\d#*])[\\ufe0e\\ufe0f]';

/** Finds what nobody would see. */
export const HIDDEN = new RegExp(`[${CLASS}]|${JOINER}|${SELECTOR}`, 'gu');

/** Says whether a text holds characters that nobody would see. */
export function hidesSomething(text: string): boolean {
  HIDDEN.lastIndex = 0;
  return HIDDEN.test(text);
}

/** Writes a character that nobody would see by its number, such as U+202E. */
export function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Takes a text apart, so that hidden characters can be shown by their numbers. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const hit of text.matchAll(HIDDEN)) {
    if (hit.index > end) found.push({ text: text.slice(end, hit.index), mark: false });
    found.push({ text: nameOf(hit[0]), mark: true });
    end = hit.index + hit[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end), mark: false });
  return found;
}

/** Writes a text with its hidden characters as numbers in angle brackets, where no markup can be. */
export function reveal(text: string): string {
  return pieces(text)
    .map((piece) => (piece.mark ? `⟨${piece.text}⟩` : piece.text))
    .join('');
}
