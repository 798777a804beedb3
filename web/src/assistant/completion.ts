/** What is being typed that can be completed. */
export interface Completing {
  kind: 'mention' | 'command' | 'agent' | 'model';
  /** What there is of it, without its sign. */
  typed: string;
  /** Where in the text it begins, sign included, and where it ends. */
  from: number;
  to: number;
}

// The server's rules: before an `@` stands nothing, white space or an opening bracket or quote.
const MENTION = /(?:^|[\s([{,;:«“"'])@(?:"(?<quoted>[^"\n]*)|(?<plain>[\p{L}\p{N}_.+~/-]*))$/u;
const COMMAND = /^\/(?<name>[a-z]*)$/i;
const ARGUMENT = /^\/(?<command>agent|model)\s+@?(?<typed>\S*)$/i;
const PLAIN_PATH = /^[\p{L}\p{N}_.+~/-]*[\p{L}\p{N}_+~/-]$/u;

/** Finds what stands before the caret and may be completed. */
export function completing(text: string, caret: number): Completing | null {
  const before = text.slice(0, caret);
  const command = COMMAND.exec(before)?.groups?.name;
  if (command !== undefined) return { kind: 'command', typed: command, from: 0, to: caret };
  return argumentIn(before) ?? mentionIn(before);
}

function argumentIn(before: string): Completing | null {
  const { command, typed = '' } = ARGUMENT.exec(before)?.groups ?? {};
  if (!command) return null;
  const kind = command.toLowerCase() === 'agent' ? 'agent' : 'model';
  return { kind, typed, from: before.length - typed.length, to: before.length };
}

function mentionIn(before: string): Completing | null {
  const mention = MENTION.exec(before)?.groups;
  if (!mention) return null;
  const typed = mention.quoted ?? mention.plain ?? '';
  const sign = mention.quoted === undefined ? 1 : 2;
  return { kind: 'mention', typed, from: before.length - typed.length - sign, to: before.length };
}

/** Writes a path as a mention that the server understands. */
export function mentionOf(path: string): string {
  if (PLAIN_PATH.test(path)) return `@${path}`;
  return path.includes('"') ? `@'${path}'` : `@"${path}"`;
}

/** Puts a completion in the place of what was typed; the caret goes behind it. */
export function complete(
  text: string,
  at: Completing,
  insert: string,
): { text: string; caret: number } {
  const rest = text.slice(at.to);
  const gap = rest.startsWith(' ') ? '' : ' ';
  const before = text.slice(0, at.from) + insert + gap;
  return { text: before + rest, caret: before.length + (gap ? 0 : 1) };
}
