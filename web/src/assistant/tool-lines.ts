import type { CallView } from '../session/view';

export type ToolKind =
  | 'read'
  | 'write'
  | 'delete'
  | 'run'
  | 'search'
  | 'list'
  | 'git'
  | 'delegate'
  | 'plan'
  | 'web'
  | 'other';

const KINDS: readonly [RegExp, ToolKind][] = [
  [/^(?:execute_command|run_)/, 'run'],
  [/^git_/, 'git'],
  [/^(?:write_|edit_|apply_|create_|move_|rename_)/, 'write'],
  [/^delete_/, 'delete'],
  [/^(?:search_|grep|find_|related_)/, 'search'],
  [/^(?:list_|glob|tree)/, 'list'],
  [/^read_/, 'read'],
  [/^(?:delegate|hand_|task)/, 'delegate'],
  [/plan/, 'plan'],
  [/^(?:fetch|web|http)/, 'web'],
];

/** What a tool does, for its icon and its verb. */
export function kindOf(tool: string): ToolKind {
  return KINDS.find(([pattern]) => pattern.test(tool))?.[1] ?? 'other';
}

const TELLING = ['command', 'pattern', 'query', 'path', 'file_path', 'url', 'message', 'agent', 'task'];
const LONGEST = 300;

/** What a call is about, in one line. */
export function targetOf(call: Pick<CallView, 'parameters'>): string {
  for (const name of TELLING) {
    const value = call.parameters[name];
    if (typeof value === 'string' && value !== '') return value.replaceAll('\n', ' ⏎ ').slice(0, LONGEST);
  }
  return '';
}

/** The file that a call reads or changes, to be opened. */
export function pathOf(call: Pick<CallView, 'parameters' | 'tool'>): string {
  const { path } = call.parameters;
  const kind = kindOf(call.tool);
  return typeof path === 'string' && (kind === 'read' || kind === 'write') ? path : '';
}

/** Writes a parameter's value for people. */
export function valueOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** A part of a long text: its end for a command's output, where the outcome stands. */
export function bounded(text: string, lines: number, from: 'start' | 'end'): { text: string; hidden: number } {
  const all = text.replace(/\n$/, '').split('\n');
  const hidden = Math.max(0, all.length - lines);
  const kept = from === 'start' ? all.slice(0, lines) : all.slice(hidden);
  return { text: kept.join('\n'), hidden };
}
