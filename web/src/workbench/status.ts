import type { Component } from 'svelte';

/** An entry of the status bar. */
export interface StatusItem {
  id: string;
  side: 'left' | 'right';
  component: Component;
}

/** The entries of the status bar, in their order. */
export const statusItems: StatusItem[] = [];
