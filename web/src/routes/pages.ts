import type { Component } from 'svelte';

import type { Route } from './routes';

type Loader = () => Promise<{ default: Component }>;

const nowhere: Loader = () => import('./Nowhere.svelte');

/** What shows a page, and where the code for it is. */
export const pages: Record<Route['page'], Loader> = {
  start: () => import('./Start.svelte'),
  setup: nowhere,
  workspaces: () => import('../workbench/Workspaces.svelte'),
  workbench: () => import('../shell/Workbench.svelte'),
  settings: () => import('../settings/Settings.svelte'),
  admin: () => import('../admin/Admin.svelte'),
  nowhere,
};
