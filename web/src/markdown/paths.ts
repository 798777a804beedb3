import { nameOf } from '../ui/paths';

/** A place in the project that a text names. */
export interface Place {
  path: string;
  line: number | null;
}

const PATH = /^(?<path>(?:\.{0,2}\/)?[\p{L}\p{N}_.@+-]+(?:\/[\p{L}\p{N}_.@+-]+)*)(?::(?<line>\d{1,7})(?:[:-]\d+)?)?$/u;
const FILE_NAME = /[\p{L}\p{N}_-]\.[a-z][a-z0-9]{0,7}$/iu;
const LEADS_OUT = /^\/|(?:^|\/)\.\.(?:\/|$)/;
const SPECIAL = /^(?:Makefile|Dockerfile|LICENSE|README|\.[a-z]\w+)$/;

/** Path and line in running text; a line is needed there, as a word with a dot may be anything. */
export const IN_TEXT =
  /(?<![\p{L}\p{N}_./@+-])(?:\.{0,2}\/)?[\p{L}\p{N}_.@+-]+(?:\/[\p{L}\p{N}_.@+-]+)*\.[a-z][a-z0-9]{0,7}:\d{1,7}(?![\p{L}\p{N}_])/giu;

/** Reads a piece of code as a place in the project, or none if it is something else. */
export function placeIn(code: string): Place | null {
  const found = PATH.exec(code)?.groups;
  const path = found?.path;
  if (!path || LEADS_OUT.test(path)) return null;
  const name = nameOf(path);
  const isFile = FILE_NAME.test(name) || SPECIAL.test(name);
  // `self.name` and `os.path` look like files as well; a folder, a line or a usual ending decides.
  const isCertain = path.includes('/') || found.line !== undefined || USUAL.has(ending(name));
  if (!isFile || !(isCertain || SPECIAL.test(name))) return null;
  return { path: path.replace(/^\.\//, ''), line: found.line ? Number(found.line) : null };
}

function ending(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

const USUAL = new Set(
  (
    'py pyi js mjs cjs ts tsx jsx svelte vue html css scss json toml yaml yml md rst txt ini cfg ' +
    'sh bash rs go java kt c h cc cpp hpp cs rb php swift sql xml csv lock ipynb proto'
  ).split(' '),
);
