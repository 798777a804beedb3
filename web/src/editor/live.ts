import type { Changes } from '../workbench/changes.svelte';

/** Tells whether a file may have changed. */
export function concerns(changes: Pick<Changes, 'more' | 'paths'>, path: string): boolean {
  if (changes.more || changes.paths.includes(path)) return true;
  // A folder that is gone has taken with it what was deeper.
  return changes.paths.some((gone) => path.startsWith(`${gone}/`));
}
