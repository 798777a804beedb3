import type { Component } from 'svelte';

import WaitingStatus from '../approvals/WaitingStatus.svelte';

/** An entry of the status bar. */
export interface StatusItem {
  id: string;
  side: 'left' | 'right';
  component: Component;
}

/** The entries of the status bar, in their order. */
export const statusItems: StatusItem[] = [{ id: 'approvals', side: 'left', component: WaitingStatus }];
