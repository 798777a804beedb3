import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of the search and its index, with the keys that they are born with. */
export const searchKeys = {
  code: { id: 'search-code', title: () => t('searchCode'), keys: 'Ctrl+K F' },
  index: { id: 'show-index', title: () => t('showIndex') },
} as const satisfies Record<string, CommandEntry>;
