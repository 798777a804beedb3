import ShieldQuestion from '@lucide/svelte/icons/shield-question-mark';

import type { Panel } from '../workbench/panels';
import { t } from './messages';
import { waiting } from './waiting.svelte';

/** All that waits, over all sessions, as a pane of the phone. */
export const approvalsPanel: Panel = {
  id: 'approvals',
  title: () => t('approvals'),
  icon: ShieldQuestion,
  load: () => import('./ApprovalsPanel.svelte'),
  count: () => waiting.count,
  on: 'phone',
};
