import type { CommandEntry } from '../keys/commands.svelte';
import { t } from './messages';

/** The commands of the file in front, with the keys that they are born with. */
export const editorKeys = {
  save: { id: 'save', title: () => t('save'), keys: 'Ctrl+S' },
  saveAll: { id: 'save-all', title: () => t('saveAll'), keys: 'Ctrl+Alt+S' },
  find: { id: 'find-in-file', title: () => t('find'), keys: 'Ctrl+F' },
  goToLine: { id: 'go-to-line', title: () => t('goToLine'), keys: 'Alt+G' },
  nextProblem: { id: 'next-problem', title: () => t('nextProblem'), keys: 'F8' },
  foldAll: { id: 'fold-all', title: () => t('foldAll') },
  unfoldAll: { id: 'unfold-all', title: () => t('unfoldAll') },
  whitespace: { id: 'whitespace', title: () => t('whitespace') },
  wrap: { id: 'wrap', title: () => t('wrap'), keys: 'Alt+Z' },
  ask: { id: 'ask-selection', title: () => t('ask') },
  preview: { id: 'preview', title: () => t('preview'), keys: 'Ctrl+K V' },
} as const satisfies Record<string, CommandEntry>;
