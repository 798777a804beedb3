import type { Env } from 'markdown-it';

import { reveal } from '../ui/visible';
import { html, isEnded, languageOf, parse, type Parsed } from './parser';

interface Placed {
  /** Stable while the document grows. */
  readonly key: number;
}

export type Block =
  | (Placed & { readonly kind: 'html'; readonly html: string })
  | (Placed & {
      readonly kind: 'code';
      readonly language: string;
      readonly code: string;
      /** Nothing will be added: it can be highlighted. */
      readonly closed: boolean;
    });

/** More than this is not parsed but shown as it is: hostile Markdown could hold up the page. */
export const MOST_PARSED = 200_000;

/**
 * A Markdown text that grows: only its last block is parsed and rendered again.
 *
 * A block is done when the line that ends it is whole; until then the next character may make
 * something else of that line.
 */
export class MarkdownDocument {
  #done: Block[] = [];
  #open: Block[] = [];
  #text = '';
  /** Where the first block begins that is not done. */
  #start = 0;
  /** Where the line begins that may go on. */
  #whole = 0;
  #env: Env = {};

  get blocks(): readonly Block[] {
    return [...this.#done, ...this.#open];
  }

  /** Takes the whole text as it is now; one that is not longer than the last begins anew. */
  update(whole: string, complete = false): void {
    const text = whole.includes('\r\n') ? whole.replaceAll('\r\n', '\n') : whole;
    if (!text.startsWith(this.#text)) this.#forget();
    this.#text = text;
    const end = endOfParsed(text);
    this.#finish(text.lastIndexOf('\n', end - 1) + 1);
    const rest = reveal(text.slice(this.#start, end));
    const parsed = parse(rest, { ...this.#env });
    const last = parsed.length - 1;
    this.#open = parsed.map((block, index) => {
      const [token] = block.tokens;
      const closed = complete || index < last || (token !== undefined && isEnded(token, rest));
      return this.#block(block, index, closed);
    });
    const key = this.#done.length + parsed.length;
    const plain = reveal(text.slice(end));
    if (plain) this.#open.push({ kind: 'code', key, language: '', code: plain, closed: false });
  }

  /** Renders for good all blocks of the whole lines but the last. */
  #finish(end: number): void {
    if (end <= this.#whole) return;
    this.#whole = end;
    const lines = this.#text.slice(this.#start, end);
    const parsed = parse(reveal(lines), this.#env);
    const last = parsed.pop();
    if (!last || parsed.length === 0) return;
    this.#done.push(...parsed.map((block, index) => this.#block(block, index, true)));
    // What is revealed has the same lines, but not the same length.
    this.#start += offsetOfLine(lines, last.line);
  }

  #block(parsed: Parsed, index: number, closed: boolean): Block {
    const key = this.#done.length + index;
    const [token] = parsed.tokens;
    if (parsed.kind === 'html' || !token) return { kind: 'html', key, html: html(parsed.tokens, this.#env) };
    const code = token.content.replace(/\n$/, '');
    return { kind: 'code', key, language: languageOf(token), code, closed };
  }

  #forget(): void {
    this.#done = [];
    this.#open = [];
    this.#start = this.#whole = 0;
    this.#env = {};
  }
}

/** Where the parsed part of a text ends: at the end of a line, if there is one. */
function endOfParsed(text: string): number {
  if (text.length <= MOST_PARSED) return text.length;
  return text.lastIndexOf('\n', MOST_PARSED - 1) + 1 || MOST_PARSED;
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let index = 0; index < line; index++) offset = text.indexOf('\n', offset) + 1;
  return offset;
}
