import type { Component } from 'svelte';

import type { Tab } from './tabs.svelte';

type Loader = () => Promise<{ default: Component<{ tab: Tab }> }>;

/** What a tab of the editor area may show, and where the code for it is. */
export const kinds = {
  review: () => import('../approvals/ReviewTab.svelte'),
} as const satisfies Record<string, Loader>;

export type TabKind = 'file' | 'diff' | 'review' | 'image' | 'markdown';

/** Finds what shows a kind of tab. */
export function loaderOf(kind: TabKind): Loader | undefined {
  return (kinds as Partial<Record<TabKind, Loader>>)[kind];
}
