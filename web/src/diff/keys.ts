import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of whatever shows a change in pieces, with the keys that they are born with. */
export const diffKeys = {
  next: { id: 'next-hunk', title: () => t('next'), keys: 'F7' },
  previous: { id: 'previous-hunk', title: () => t('previous'), keys: 'Shift+F7' },
} as const satisfies Record<string, CommandEntry>;
