/** How a file is indented. */
export interface Indentation {
  /** One level: a tab or some spaces. */
  unit: string;
  /** How wide a tab is shown. */
  tabWidth: number;
}

type Properties = Record<string, string>;

const MOST_LINES = 500;
const MOST_STARS = 3;
const USUAL: Indentation = { unit: '  ', tabWidth: 4 };
const BY_ENDING: Readonly<Record<string, Partial<Indentation>>> = {
  go: { unit: '\t' },
  java: { unit: '    ' },
  kt: { unit: '    ' },
  mk: { unit: '\t' },
  py: { unit: '    ' },
  rs: { unit: '    ' },
};

/**
 * Decides how a file is indented: as .editorconfig asks, else as its lines are, else as usual.
 *
 * @param path The file, relative to the workspace.
 * @param config What the workspace's .editorconfig says.
 */
export function indentationOf(path: string, text: string, config: Config): Indentation {
  const asked = askedFor(path, config);
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  const usual = { ...USUAL, ...BY_ENDING[ending] };
  const unit = unitOf(asked) ?? detected(text) ?? usual.unit;
  const width = Number(asked.tab_width ?? asked.indent_size);
  return { unit, tabWidth: width >= 1 && width <= 16 ? width : usual.tabWidth };
}

function unitOf(asked: Properties): string | undefined {
  if (asked.indent_style === 'tab') return '\t';
  const size = Number(asked.indent_size);
  return asked.indent_style === 'space' && size >= 1 && size <= 16 ? ' '.repeat(size) : undefined;
}

/** Finds the step by which the lines of a text are indented, if they agree on one. */
export function detected(text: string): string | undefined {
  const votes = new Map<string, number>();
  let before = 0;
  for (const line of text.split('\n', MOST_LINES)) {
    const white = /^[ \t]*/.exec(line)?.[0] ?? '';
    if (white.length === line.trimEnd().length) continue;
    const spaces = white.startsWith('\t') ? 0 : white.length;
    // One column more is how comments and continued lines are aligned.
    const isDeeper = spaces - before > 1 && spaces - before <= 8;
    const unit = isDeeper ? ' '.repeat(spaces - before) : '';
    const vote = white.startsWith('\t') ? '\t' : unit;
    if (vote) votes.set(vote, (votes.get(vote) ?? 0) + 1);
    before = spaces;
  }
  return [...votes].toSorted((one, other) => other[1] - one[1])[0]?.[0];
}

/** The sections of an .editorconfig file, as far as they are understood. */
export type Config = readonly { glob: string; properties: Properties }[];

/** Reads an .editorconfig file. */
export function parseConfig(text: string): Config {
  const sections: { glob: string; properties: Properties }[] = [];
  for (const line of text.split(/\r?\n/, MOST_LINES)) {
    const glob = /^\s*\[(.*)\]\s*$/.exec(line)?.[1];
    if (glob !== undefined) sections.push({ glob, properties: {} });
    const pair = /^\s*([^#;[=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    const last = sections.at(-1);
    if (pair?.[1] && last) last.properties[pair[1].toLowerCase()] = (pair[2] ?? '').toLowerCase();
  }
  return sections;
}

function askedFor(path: string, config: Config): Properties {
  return Object.assign({}, ...config.filter(({ glob }) => fits(glob, path)).map(({ properties }) => properties)) as Properties;
}

/** Tells whether a path fits a pattern of .editorconfig. */
export function fits(glob: string, path: string): boolean {
  // A pattern is whatever somebody wrote: with many stars, trying it out takes forever.
  if (glob.length > 200 || (glob.match(/\*+/g)?.length ?? 0) > MOST_STARS) return false;
  const anywhere = glob.includes('/') ? '' : '(?:.*/)?';
  try {
    return new RegExp(`^${anywhere}${regexOf(glob.replace(/^\//, ''))}$`).test(path);
  } catch {
    return false;
  }
}

function regexOf(glob: string): string {
  const parts = glob.match(/\*\*|\{[^{}]*\}|\[[^\]]*\]|[\s\S]/g) ?? [];
  return parts.map(partOf).join('');
}

function partOf(part: string): string {
  if (part === '**') return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  if (part.startsWith('[') && part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
  if (!part.startsWith('{') || part.length === 1) return escaped(part);
  const range = /^\{(-?\d+)\.\.(-?\d+)\}$/.exec(part);
  if (range) return '-?\\d+';
  return `(?:${part.slice(1, -1).split(',').map(regexOf).join('|')})`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
