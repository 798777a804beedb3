import type { components } from '../api/rest';
import type { Mark } from '../workbench/marks.svelte';

export type ChangedPath = components['schemas']['ChangedPath'];
export type RepositoryStatus = components['schemas']['RepositoryStatus'];

export type GroupId = 'conflicts' | 'staged' | 'changes' | 'untracked';

/** A row of the list of changes: a group's heading, or a file in it. */
export type ChangeRow =
  | { kind: 'heading'; group: GroupId; count: number }
  | { kind: 'file'; group: GroupId; path: string; letter: string; added: number | null; removed: number | null };

export type FileRow = Extract<ChangeRow, { kind: 'file' }>;

const ORDER: readonly GroupId[] = ['conflicts', 'staged', 'changes', 'untracked'];

/** Lists the changes by group; a file that is staged in part stands in two. */
export function rowsOf(entries: readonly ChangedPath[]): ChangeRow[] {
  const groups: Record<GroupId, FileRow[]> = { conflicts: [], staged: [], changes: [], untracked: [] };
  for (const entry of entries) {
    if (entry.conflict) groups.conflicts.push(row('conflicts', entry, '!', null));
    else if (entry.unstaged === '?') groups.untracked.push(row('untracked', entry, '?', null));
    else {
      if (entry.staged) groups.staged.push(row('staged', entry, entry.staged, entry.staged_lines));
      if (entry.unstaged) groups.changes.push(row('changes', entry, entry.unstaged, entry.unstaged_lines));
    }
  }
  const rows: ChangeRow[] = [];
  for (const group of ORDER) {
    const files = groups[group];
    if (files.length > 0) rows.push({ kind: 'heading', group, count: files.length }, ...files);
  }
  return rows;
}

/** What the files of the list are marked with wherever they are shown. */
export function marksOf(entries: readonly ChangedPath[]): [string, Mark][] {
  return entries.map((entry) => {
    if (entry.conflict) return [entry.path, 'conflict'];
    const isNew = entry.unstaged === '?' || entry.staged === 'A';
    return [entry.path, isNew ? 'new' : 'modified'];
  });
}

function row(
  group: GroupId,
  entry: ChangedPath,
  letter: string,
  lines: ChangedPath['staged_lines'],
): FileRow {
  const { added = null, removed = null } = lines ?? {};
  return { kind: 'file', group, path: entry.path, letter, added, removed };
}

/** Names a row among all others. */
export function keyOf(each: ChangeRow): string {
  return each.kind === 'heading' ? each.group : `${each.group}:${each.path}`;
}

/** The paths that a row is about: its own, or all of its group. */
export function pathsOf(each: ChangeRow, rows: readonly ChangeRow[]): string[] {
  if (each.kind === 'file') return [each.path];
  return rows.flatMap((other) => (other.kind === 'file' && other.group === each.group ? [other.path] : []));
}

/** Takes a path apart into its name and the folder that it lies in. */
export function split(path: string): { name: string; folder: string } {
  const at = path.lastIndexOf('/', path.length - 2);
  return { name: path.slice(at + 1), folder: at < 0 ? '' : path.slice(0, at) };
}

/** How long the first line of a commit message should be, and may be. */
export const SUBJECT = { good: 50, most: 72 };

/** The length of a message's first line. */
export function subjectLength(message: string): number {
  return [...(message.trimStart().split('\n')[0] ?? '')].length;
}

/** Names a branch and how far it is from the one that it follows. */
export function distance(status: RepositoryStatus): string {
  const parts = [status.ahead ? `↑${status.ahead}` : '', status.behind ? `↓${status.behind}` : ''];
  return parts.filter((part) => part !== '').join(' ');
}
