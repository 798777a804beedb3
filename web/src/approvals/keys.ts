import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of approvals, with the keys that they are born with. */
export const approvalKeys = {
  next: { id: 'next-approval', title: () => t('nextApproval'), keys: 'Alt+A', everywhere: true },
} as const satisfies Record<string, CommandEntry>;
