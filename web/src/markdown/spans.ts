/** A piece of code with the classes that colour it. */
export interface Span {
  text: string;
  classes: string;
}

const LONGEST = 100_000;
const CHUNK_LINES = 100;

/** Colours code by its language; the code for it is fetched when it is first needed. */
export async function spansOf(code: string, language: string): Promise<Span[][] | null> {
  if (!language || code.length > LONGEST) return null;
  const { highlight } = await import('./highlight');
  return highlight(code, language);
}

/** Cuts growing code into pieces of whole lines, so that only the last one changes. */
export function chunks(code: string): string[] {
  const found: string[] = [];
  let start = 0;
  let lines = 0;
  for (let end = code.indexOf('\n'); end >= 0; end = code.indexOf('\n', end + 1)) {
    lines += 1;
    if (lines % CHUNK_LINES === 0) {
      found.push(code.slice(start, end + 1));
      start = end + 1;
    }
  }
  return [...found, code.slice(start)];
}
