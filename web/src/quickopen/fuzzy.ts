/** A stretch of a text; `hit` marks the letters that were typed. */
export interface Part {
  text: string;
  hit: boolean;
}

/** What is looked for: a file, a symbol of the project or of the open file, or a line of it. */
export type Kind = 'file' | 'symbol' | 'outline' | 'line';

/** What was typed: some letters of a path or a name, and perhaps a line. */
export interface Wanted {
  kind: Kind;
  letters: string;
  line: number | null;
  column: number | null;
}

const WITH_PLACE = /^(.*?):(\d+)(?::(\d+))?:?$/;
const PREFIXES: Readonly<Record<string, Kind>> = { '#': 'symbol', '@': 'outline', ':': 'line' };

/** Reads `name:12` or `name:12:3`, `#name`, `@name` and `:12`. */
export function wanted(typed: string): Wanted {
  const text = typed.trim();
  const kind = PREFIXES[text.charAt(0)] ?? 'file';
  if (kind === 'symbol' || kind === 'outline') return { kind, letters: text.slice(1).trim(), line: null, column: null };
  const found = WITH_PLACE.exec(text);
  if (!found) return { kind, letters: text.replace(/:$/, ''), line: null, column: null };
  const column = found[3] === undefined ? null : Number(found[3]);
  return { kind, letters: found[1] ?? '', line: Math.max(1, Number(found[2])), column };
}

/**
 * Finds the letters in a path: in its last name if they are there, together if they stand so.
 *
 * @returns Their places, or none when the path does not hold them in this order.
 */
export function placesOf(path: string, letters: string): number[] | null {
  const text = path.toLowerCase();
  const asked = letters.toLowerCase().replace(/\s+/g, '');
  if (asked === '') return [];
  const name = text.lastIndexOf('/') + 1;
  const together = text.indexOf(asked, name) >= 0 ? text.indexOf(asked, name) : text.indexOf(asked);
  if (together >= 0) return Array.from({ length: asked.length }, (_, step) => together + step);
  return humps(path, asked, name) ?? scattered(text, asked, name) ?? scattered(text, asked, 0);
}

/** Cuts a path into what was typed and what was not. */
export function partsOf(path: string, places: readonly number[]): Part[] {
  const hits = new Set(places);
  const parts: Part[] = [];
  for (let index = 0; index < path.length; index += 1) {
    const hit = hits.has(index);
    const last = parts.at(-1);
    if (last?.hit === hit) last.text += path[index] ?? '';
    else parts.push({ text: path[index] ?? '', hit });
  }
  return parts;
}

/** Puts what was opened lately before what the server found, each path once. */
export function merged(recent: readonly string[], found: readonly string[], letters: string, most: number): string[] {
  const fitting = recent.filter((path) => placesOf(path, letters) !== null);
  return [...new Set([...fitting, ...found])].slice(0, most);
}

function humps(path: string, asked: string, from: number): number[] | null {
  const starts: number[] = [];
  for (let index = from; index < path.length; index += 1) {
    const letter = path[index] ?? '';
    const isStart = index === from || /[^A-Za-z0-9]/.test(path[index - 1] ?? '') || /[A-Z]/.test(letter);
    if (isStart && /[A-Za-z0-9]/.test(letter)) starts.push(index);
  }
  const places: number[] = [];
  for (const start of starts) {
    if ((path[start] ?? '').toLowerCase() === asked[places.length]) places.push(start);
  }
  return places.length === asked.length ? places : null;
}

function scattered(text: string, asked: string, from: number): number[] | null {
  const places: number[] = [];
  let at = from - 1;
  for (const letter of asked) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return null;
    places.push(at);
  }
  return places;
}
