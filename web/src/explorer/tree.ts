import type { components } from '../api/rest';
import { parentOf } from '../ui/paths';

export type Child = components['schemas']['Child'];

/** As much of a folder as was fetched. */
export interface Loaded {
  entries: readonly Child[];
  /** Asks for the rest. */
  cursor: string | null;
  /** Whether there is more than can be shown at all. */
  cut: boolean;
}

/** A name that is being typed: of something new, or of something that exists. */
export interface Draft {
  parent: string;
  /** What is renamed; none: something new. */
  path: string | null;
  isFolder: boolean;
}

interface Line {
  id: string;
  depth: number;
}

/** A line of the tree as it is shown. */
export type Row =
  | (Line & { kind: 'entry'; entry: Child; parent: string; expanded: boolean | null; place: number; of: number })
  | (Line & { kind: 'draft'; draft: Draft })
  | (Line & { kind: 'more'; parent: string })
  | (Line & { kind: 'note'; note: 'loading' | 'empty' | 'cut'; parent: string });

/** The workspace's own folder. */
export const ROOT = '';

/** Puts a name behind a folder. */
export function join(folder: string, name: string): string {
  return folder === ROOT ? name : `${folder}/${name}`;
}

/** Whether a path is a folder, or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === ROOT || path === folder || path.startsWith(`${folder}/`);
}

/** The folders around a path, the outermost first. */
export function foldersAround(path: string): string[] {
  const found: string[] = [];
  for (let folder = parentOf(path); folder !== ROOT; folder = parentOf(folder)) found.unshift(folder);
  return found;
}

/** Where something lies after it, or a folder around it, was moved. */
export function movedPath(path: string, from: string, to: string): string {
  return isWithin(path, from) && from !== ROOT ? to + path.slice(from.length) : path;
}

/** Lays the fetched folders out as lines, one beneath the other. */
export function flatten(
  folders: ReadonlyMap<string, Loaded>,
  expanded: ReadonlySet<string>,
  draft: Draft | null,
): Row[] {
  const rows: Row[] = [];
  lay(ROOT, 0);
  return rows;

  function lay(parent: string, depth: number): void {
    const loaded = folders.get(parent);
    if (draft?.path === null && draft.parent === parent) rows.push({ kind: 'draft', id: ' draft', depth, draft });
    const entries = loaded?.entries ?? [];
    for (const [index, entry] of entries.entries()) {
      if (draft?.path === entry.path) {
        rows.push({ kind: 'draft', id: ' draft', depth, draft });
        continue;
      }
      const isOpen = entry.kind === 'folder' ? expanded.has(entry.path) : null;
      const place = { place: index + 1, of: entries.length };
      rows.push({ kind: 'entry', id: entry.path, depth, entry, parent, expanded: isOpen, ...place });
      if (isOpen) lay(entry.path, depth + 1);
    }
    rows.push(...endOf(parent, loaded, depth));
  }
}

/** What is to be said behind the last entry of a folder. */
function endOf(parent: string, loaded: Loaded | undefined, depth: number): Row[] {
  if (loaded?.cursor) return [{ kind: 'more', id: ` more:${parent}`, depth, parent }];
  const note = !loaded ? 'loading' : loaded.cut ? 'cut' : loaded.entries.length === 0 && depth > 0 ? 'empty' : null;
  return note === null ? [] : [{ kind: 'note', note, id: ` ${note}:${parent}`, depth, parent }];
}

/** Finds the next line whose name begins with what was typed, around the end if need be. */
export function findTyped(rows: readonly Row[], from: number, typed: string): number {
  const wanted = typed.toLocaleLowerCase();
  // One letter again and again goes on to the next; more letters narrow down what is there.
  const start = typed.length > 1 ? from : from + 1;
  for (let step = 0; step < rows.length; step += 1) {
    const index = (start + step + rows.length) % rows.length;
    const row = rows[index];
    if (row?.kind === 'entry' && row.entry.name.toLocaleLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}

/** Says why a name cannot be one, or nothing. */
export function nameProblem(name: string): 'empty' | 'slash' | 'dots' | 'long' | null {
  const parts = name.split('/');
  if (name.trim() === '' || parts.some((part) => part === '')) return name.includes('/') ? 'slash' : 'empty';
  if (parts.some((part) => part === '.' || part === '..')) return 'dots';
  return parts.some((part) => new TextEncoder().encode(part).length > 255) ? 'long' : null;
}
