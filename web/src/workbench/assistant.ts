import type { Component } from 'svelte';

/** The assistant's pane, and where the code for it is. */
export const assistantPane = (): Promise<{ default: Component }> => import('../assistant/Assistant.svelte');
