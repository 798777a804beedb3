import SquareTerminal from '@lucide/svelte/icons/square-terminal';

import type { Panel } from '../workbench/panels';
import { t } from './messages';

/** The terminals' place under the editor; their code comes when it is first shown. */
export const terminalPane: Panel = {
  id: 'terminal',
  title: () => t('terminal'),
  icon: SquareTerminal,
  load: () => import('./TerminalPane.svelte'),
  keys: 'Ctrl+`',
};
