import { forgetConfig } from './configuring';
import { documents } from './documents.svelte';

/** What the server tells of a workspace's files. */
export interface Changes {
  workspace_id: string;
  paths: readonly string[];
  /** Folders in which names came or went. */
  folders: readonly string[];
  /** Everything may have changed. */
  more: boolean;
}

/** Tells whether a file may have changed. */
export function concerns(changes: Changes, path: string): boolean {
  if (changes.more || changes.paths.includes(path)) return true;
  // A folder that is gone has taken with it what was deeper.
  return [...changes.folders, ...changes.paths].some((folder) => folder === '' || path.startsWith(`${folder}/`));
}

/** Brings the open documents up to date with what changed on the disk. */
export function follow(changes: Changes): Promise<void> {
  if (concerns(changes, '.editorconfig')) forgetConfig(changes.workspace_id);
  return documents.refresh((path) => concerns(changes, path));
}
