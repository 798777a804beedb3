import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of the assistant, with the keys that they are born with. */
export const assistantKeys = {
  stop: { id: 'stop-turn', title: () => t('stop'), keys: 'Ctrl+.' },
  chooseAgent: { id: 'choose-agent', title: () => t('chooseAgent'), keys: 'Ctrl+K A' },
  chooseModel: { id: 'choose-model', title: () => t('chooseModel'), keys: 'Ctrl+K M' },
  newSession: { id: 'new-session', title: () => t('newSession') },
  checkpoints: { id: 'checkpoints', title: () => t('checkpoints') },
} as const satisfies Record<string, CommandEntry>;
