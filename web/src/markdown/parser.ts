import MarkdownIt, { type Env, type RendererRule, type Token } from 'markdown-it';

import { hostToShow, isAllowed, isLocal } from './links';
import { IN_TEXT, placeIn, type Place } from './paths';

const markdown = new MarkdownIt({ html: false, linkify: true });
// A word with a dot in it is mostly a file here, and no address.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = (address) => isAllowed(address) || isLocal(address);

markdown.core.ruler.push('links', noteLinks);
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

/** The link that a piece of text is in. */
type Link = { address: string; text: string };

/** Notes on each token the link around it, once for all: looking back from each takes too long. */
function noteLinks({ tokens }: { tokens: Token[] }): void {
  for (const block of tokens) {
    let link: Link | null = null;
    for (const token of block.children ?? []) {
      if (token.type === 'link_open') link = { address: attribute(token, 'href'), text: '' };
      else if (link) link.text += token.content;
      token.meta = link;
      if (token.type === 'link_close') link = null;
    }
  }
}

function linkAround(token: Token | undefined): Link | null {
  return (token?.meta ?? null) as Link | null;
}

const text: RendererRule = (tokens, index) => {
  const content = tokens[index]?.content ?? '';
  if (linkAround(tokens[index])) return escapeHtml(content);
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
  const named = linkAround(tokens[index]) ? null : placeIn(content);
  return named ? place(named, code) : code;
};

const linkStart: RendererRule = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  // What is named is a file, and no address that a browser could go to.
  if (isLocal(attribute(token, 'href'))) return '<span class="md-local">';
  const rel = 'noopener noreferrer';
  if (token) token.attrs = [['href', attribute(token, 'href')], ['rel', rel], ['target', '_blank']];
  return renderer.renderToken(tokens, index, options);
};

const linkEnd: RendererRule = (tokens, index) => {
  const link = linkAround(tokens[index]);
  if (!link) return '</a>';
  if (isLocal(link.address)) return `</span> <span class="md-address">${escapeHtml(link.address)}</span>`;
  const host = hostToShow(link.address, link.text);
  return host ? `</a> <span class="md-host">(${escapeHtml(host)})</span>` : '</a>';
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
  link_open: linkStart,
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
