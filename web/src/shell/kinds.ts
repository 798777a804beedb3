import type { Component } from 'svelte';

import type { Tab, TabKind } from '../workbench/tabs.svelte';

type Loader = () => Promise<{ default: Component<{ tab: Tab }> }>;

/** What a tab of the editor area may show, and where the code for it is. */
export const kinds: Record<TabKind, Loader> = {
  review: () => import('../approvals/ReviewTab.svelte'),
  diff: () => import('../diff/DiffTab.svelte'),
  file: () => import('../editor/FileTab.svelte'),
  image: () => import('../editor/ImagePreview.svelte'),
  markdown: () => import('../editor/MarkdownPreview.svelte'),
  stage: () => import('../git/StageTab.svelte'),
};
