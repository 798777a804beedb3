import { SvelteMap } from 'svelte/reactivity';

import type { Problem } from './files';

/** The problems of the open files, by path. */
export const problems = new SvelteMap<string, readonly Problem[]>();

/** How many problems there are in all open files. */
export function problemCount(): number {
  let count = 0;
  for (const found of problems.values()) count += found.length;
  return count;
}
