/** The commands of the composer: messages that begin with a slash. */
export const COMMANDS = [
  'agent',
  'model',
  'compact',
  'uncompact',
  'checkpoints',
  'undo',
  'new',
  'export',
  'help',
] as const;

export type CommandName = (typeof COMMANDS)[number];

export interface SlashCommand {
  name: CommandName;
  argument: string;
}

/**
 * Reads a message as a command.
 *
 * @returns None if it is a message for the agents, `unknown` if it looks like a command.
 */
export function readCommand(text: string): SlashCommand | 'unknown' | null {
  const found = /^\s*\/(?<name>[^\s/]*)(?:\s+(?<argument>[\s\S]*))?$/.exec(text)?.groups;
  if (!found) return null;
  const name = COMMANDS.find((each) => each === found.name?.toLowerCase());
  return name ? { name, argument: found.argument?.trim() ?? '' } : 'unknown';
}

/** Reads what `/undo` is to take back: a checkpoint by the end of its id, and which parts. */
export function readUndo(argument: string): { wanted: string; files: boolean; conversation: boolean } {
  const words = argument.split(/\s+/).filter(Boolean);
  const parts = words.filter((word) => word === 'files' || word === 'conversation');
  const wanted = words.find((word) => word !== 'files' && word !== 'conversation') ?? '';
  const all = parts.length === 0;
  return {
    wanted,
    files: all || parts.includes('files'),
    conversation: all || parts.includes('conversation'),
  };
}
