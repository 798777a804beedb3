/** A stretch of a line; `hit` marks a word that was asked for. */
export interface Part {
  text: string;
  hit: boolean;
}

const SHORTEST = 3;
/** What questions are asked with says nothing of what is asked for. */
const ASKING = /^(?:what|where|which|when|who|why|how|the|and|for|are|does|is|that|this|with|где|что|как|когда|кто|почему|для|или|это)$/iu;
const MOST_WORDS = 20;
const MOST_LINES = 5;
const MOST_LETTERS = 200;

/** The words of a question that are worth being marked. */
export function wordsOf(question: string): RegExp | null {
  const words = question.match(/[\p{L}\p{N}]+/gu)?.filter((word) => word.length >= SHORTEST && !ASKING.test(word)) ?? [];
  const longestFirst = words.slice(0, MOST_WORDS).toSorted((one, other) => other.length - one.length);
  return words.length === 0 ? null : new RegExp(longestFirst.join('|'), 'giu');
}

/** The lines of a piece that hold most of the words, without what they are all indented by. */
export function excerpt(text: string, words: RegExp | null): string[] {
  const lines = text.split('\n').map((line) => line.slice(0, MOST_LETTERS));
  const hits = lines.map((line) => new Set(words ? line.toLowerCase().match(words) : []).size);
  const start = bestStart(hits);
  const shown = lines.slice(start, start + MOST_LINES);
  const indents = shown.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  return shown.map((line) => line.slice(Number.isFinite(indent) ? indent : 0));
}

/** Cuts a line into the words that were asked for and the rest. */
export function partsOf(line: string, words: RegExp | null): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const found of words ? line.matchAll(words) : []) {
    if (found.index > from) parts.push({ text: line.slice(from, found.index), hit: false });
    from = found.index + found[0].length;
    parts.push({ text: found[0], hit: true });
  }
  if (from < line.length) parts.push({ text: line.slice(from), hit: false });
  return parts;
}

function bestStart(hits: readonly number[]): number {
  let best = 0;
  let most = -1;
  for (let start = 0; start === 0 || start + MOST_LINES <= hits.length; start += 1) {
    const sum = hits.slice(start, start + MOST_LINES).reduce((one, other) => one + other, 0);
    if (sum > most) [best, most] = [start, sum];
  }
  if (most <= 0) return 0;
  // What follows a word says more than what stands before it.
  while (hits[best] === 0 && best + MOST_LINES < hits.length) best += 1;
  return best;
}
