import type { Approval, CallFacts } from './waiting.svelte';

/** A line of a diff as the server wrote it. */
export interface DiffLine {
  kind: 'place' | 'added' | 'removed' | 'same' | 'note';
  text: string;
}

/** The first place of a unified diff, and what it leaves out. */
export interface FirstHunk {
  lines: DiffLine[];
  /** Lines of this place that are not among them. */
  moreLines: number;
  morePlaces: number;
}

const KINDS = new Map<string, DiffLine['kind']>([
  ['@', 'place'],
  ['+', 'added'],
  ['-', 'removed'],
  ['\\', 'note'],
]);
const LONGEST_HUNK = 40;
const HEADING = 2;

/** Reads the first place that a unified diff changes, at most 40 lines of it. */
export function firstHunk(diff: string): FirstHunk {
  const lines = diff.split('\n').slice(HEADING);
  const starts = lines.flatMap((line, index) => (line.startsWith('@@') ? [index] : []));
  const [first = 0, second = lines.length] = starts;
  const place = lines.slice(first, second);
  return {
    lines: place.slice(0, LONGEST_HUNK).map((text) => {
      const kind = KINDS.get(text[0] ?? '') ?? 'same';
      return { kind, text: kind === 'place' || kind === 'note' ? text : text.slice(1) };
    }),
    moreLines: Math.max(0, place.length - LONGEST_HUNK),
    morePlaces: Math.max(0, starts.length - 1),
  };
}

/** What a call is about, in a few words: its path, its command, its branch. */
export function targetOf({ facts, parameters, tool }: Approval): string {
  if (facts.file) return facts.file.path;
  if (facts.commit) return facts.commit.branch;
  for (const name of ['command', 'path', 'branch', 'remote', 'name']) {
    const value = parameters[name];
    if (typeof value === 'string' && value !== '') return value.split('\n', 1)[0] ?? value;
  }
  return tool;
}

/** Which parameter of a call a human may edit in the card itself. */
export function editable({ facts, parameters, question }: Approval): 'command' | 'message' | null {
  if (question === 'retry') return null;
  if (facts.command && typeof parameters.command === 'string') return 'command';
  return facts.commit && typeof parameters.message === 'string' ? 'message' : null;
}

/** Says whether a call changes a file in a way that can be reviewed place by place. */
export function isReviewable({ facts }: Approval): boolean {
  return facts.file !== undefined && facts.file !== null && facts.file.change !== 'delete';
}

/** Says whether a change is too long to be judged in the card. */
export function needsReview(approval: Approval): boolean {
  const { file } = approval.facts;
  if (!file || !isReviewable(approval)) return false;
  return file.hunks > 1 || file.added + file.removed > LONGEST_HUNK;
}

/** Writes what a rule is about: its tool, then its paths or commands. */
export function ruleText(rule: { tool: string; paths?: readonly string[]; commands?: readonly string[] }): string {
  const about = [...(rule.commands ?? []), ...(rule.paths ?? [])];
  return about.length > 0 ? `${rule.tool}: ${about.join(', ')}` : rule.tool;
}

/** The rule that “always” would make, or why there can be none. */
export function alwaysOf(facts: CallFacts): { rule: string | null; refused: string } {
  return { rule: facts.always ? ruleText(facts.always) : null, refused: facts.always_refused };
}

/** Writes how much time is left, such as 4:05. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = String(Math.floor((seconds % 3600) / 60)).padStart(hours > 0 ? 2 : 1, '0');
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${minutes}:${rest}` : `${minutes}:${rest}`;
}

/** The letter of a key press: the one that is printed, or its place where another script is. */
export function letterOf(event: Pick<KeyboardEvent, 'key' | 'code'>): string {
  return /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace('Key', '').toLowerCase();
}
