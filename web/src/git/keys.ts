import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of git, with the keys that they are born with. */
export const gitKeys = {
  commit: { id: 'git-commit', title: () => t('toCommit'), keys: 'Ctrl+K C' },
  switchBranch: { id: 'git-switch', title: () => t('switchBranch'), keys: 'Ctrl+K B' },
  deleteBranch: { id: 'git-delete-branch', title: () => t('deleteMerged') },
} as const satisfies Record<string, CommandEntry>;
