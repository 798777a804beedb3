import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The command of quick open, with the keys that it is born with. */
export const quickOpenKeys = {
  open: { id: 'quick-open', title: () => t('title'), keys: 'Ctrl+P' },
} as const satisfies Record<string, CommandEntry>;
