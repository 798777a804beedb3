import type { Component } from 'svelte';

import WaitingStatus from '../approvals/WaitingStatus.svelte';
import UsageStatus from '../assistant/UsageStatus.svelte';
import EditorStatus from '../editor/EditorStatus.svelte';
import GitStatus from '../git/GitStatus.svelte';

/** An entry of the status bar. */
export interface StatusItem {
  id: string;
  side: 'left' | 'right';
  component: Component;
}

/** The entries of the status bar, in their order. */
export const statusItems: StatusItem[] = [
  { id: 'approvals', side: 'left', component: WaitingStatus },
  { id: 'git', side: 'left', component: GitStatus },
  { id: 'usage', side: 'right', component: UsageStatus },
  { id: 'editor', side: 'right', component: EditorStatus },
];
