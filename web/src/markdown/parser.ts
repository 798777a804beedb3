import MarkdownIt, { type Env, type RendererRule, type Token } from 'markdown-it';

import { hostToShow, isAllowed } from './links';
import { IN_TEXT, placeIn, type Place } from './paths';

const markdown = new MarkdownIt({ html: false, linkify: true });
// A word with a dot in it is mostly a file here, and no address.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = isAllowed;

const { escapeHtml } = markdown.utils;

/** A piece of a document that is rendered on its own. */
export interface Parsed {
  kind: 'html' | 'code';
  /** The line after which it begins, in the parsed text. */
  line: number;
  tokens: Token[];
}

/** Cuts a text into its outermost blocks. */
export function parse(text: string, env: Env): Parsed[] {
  const blocks: Parsed[] = [];
  let depth = 0;
  for (const token of markdown.parse(text, env)) {
    if (depth === 0) {
      const kind = token.type === 'fence' || token.type === 'code_block' ? 'code' : 'html';
      blocks.push({ kind, line: token.map?.[0] ?? 0, tokens: [] });
    }
    blocks.at(-1)?.tokens.push(token);
    depth += token.nesting;
  }
  return blocks;
}

/** Writes a block as HTML in which nothing of the model's text is markup. */
export function html(tokens: Token[], env: Env): string {
  return markdown.renderer.render(tokens, markdown.options, env);
}

/** Says whether a fence has come to its end, in the text it was parsed from. */
export function isEnded(token: Token, text: string): boolean {
  const [first, end] = token.map ?? [0, 0];
  if (token.type !== 'fence' || end - first < 2) return false;
  const last = text.split('\n')[end - 1]?.trim() ?? '';
  return last.startsWith(token.markup) && last === token.markup.charAt(0).repeat(last.length);
}

/** The language that a fence names, or nothing. */
export function languageOf(token: Token): string {
  return token.info.trim().split(/\s+/)[0] ?? '';
}

function attribute(token: Token | undefined, name: string): string {
  return String(token?.attrGet(name) ?? '');
}

function place({ path, line }: Place, inner: string): string {
  const attributes = `data-path="${escapeHtml(path)}" data-line="${line ?? ''}"`;
  return `<button type="button" class="md-path" ${attributes}>${inner}</button>`;
}

function isInLink(tokens: Token[], index: number): boolean {
  for (let before = index - 1; before >= 0; before--) {
    if (tokens[before]?.type === 'link_close') return false;
    if (tokens[before]?.type === 'link_open') return true;
  }
  return false;
}

const text: RendererRule = (tokens, index) => {
  const content = tokens[index]?.content ?? '';
  if (isInLink(tokens, index)) return escapeHtml(content);
  let out = '';
  let end = 0;
  for (const found of content.matchAll(IN_TEXT)) {
    const named = placeIn(found[0]);
    if (!named) continue;
    out += escapeHtml(content.slice(end, found.index)) + place(named, escapeHtml(found[0]));
    end = found.index + found[0].length;
  }
  return out + escapeHtml(content.slice(end));
};

const inlineCode: RendererRule = (tokens, index) => {
  const content = tokens[index]?.content ?? '';
  const code = `<code>${escapeHtml(content)}</code>`;
  const named = isInLink(tokens, index) ? null : placeIn(content);
  return named ? place(named, code) : code;
};

const link: RendererRule = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  const rel = 'noopener noreferrer';
  if (token) token.attrs = [['href', attribute(token, 'href')], ['rel', rel], ['target', '_blank']];
  return renderer.renderToken(tokens, index, options);
};

const linkEnd: RendererRule = (tokens, index) => {
  let inner = '';
  for (let before = index - 1; before >= 0; before--) {
    const token = tokens[before];
    if (token?.type === 'link_open') {
      const host = hostToShow(attribute(token, 'href'), inner);
      return host ? `</a> <span class="md-host">(${escapeHtml(host)})</span>` : '</a>';
    }
    inner = (token?.content ?? '') + inner;
  }
  return '</a>';
};

// Loading it would tell a stranger's server that it was read, and what the model put in its name.
const image: RendererRule = (tokens, index) => {
  const token = tokens[index];
  const address = `<span class="md-address">${escapeHtml(attribute(token, 'src'))}</span>`;
  return `<span class="md-image">${escapeHtml(token?.content ?? '')} ${address}</span>`;
};

const fence: RendererRule = (tokens, index) => {
  const token = tokens[index];
  if (!token) return '';
  const language = escapeHtml(languageOf(token));
  return (
    `<div class="md-code"><div class="md-code-head"><span>${language}</span></div>` +
    `<pre tabindex="0"><code data-language="${language}">${escapeHtml(token.content)}</code></pre></div>`
  );
};

const cell: RendererRule = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  const aligned = /(left|center|right)/.exec(attribute(token, 'style'))?.[1];
  if (token) token.attrs = aligned ? [['class', `md-${aligned}`]] : null;
  return renderer.renderToken(tokens, index, options);
};

const DEEPEST = 6;

// The page has headings of its own above these.
const heading: RendererRule = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  if (token) {
    const level = Number(token.tag.slice(1));
    token.tag = `h${Math.min(DEEPEST, level + 3)}`;
    if (token.nesting === 1) token.attrSet('class', `md-h${level}`);
  }
  return renderer.renderToken(tokens, index, options);
};

Object.assign(markdown.renderer.rules, {
  text,
  code_inline: inlineCode,
  link_open: link,
  link_close: linkEnd,
  image,
  fence,
  code_block: fence,
  th_open: cell,
  td_open: cell,
  heading_open: heading,
  heading_close: heading,
  table_open: () => '<div class="md-table" tabindex="0"><table>\n',
  table_close: () => '</table></div>\n',
});
