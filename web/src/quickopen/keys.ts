import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of quick open, with the keys that they are born with. */
export const quickOpenKeys = {
  open: { id: 'quick-open', title: () => t('title'), keys: 'Ctrl+P' },
  symbol: { id: 'go-to-symbol', title: () => t('symbol'), keys: 'Ctrl+K T' },
  outline: { id: 'go-to-symbol-here', title: () => t('outline'), keys: 'Ctrl+K O' },
} as const satisfies Record<string, CommandEntry>;
