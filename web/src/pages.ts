import type { Component } from 'svelte';

import type { Route } from './routes/routes';

type Loader = () => Promise<{ default: Component }>;

const nowhere: Loader = () => import('./routes/Nowhere.svelte');

/** What shows a page, and where the code for it is. */
export const pages: Record<Route['page'], Loader> = {
  start: () => import('./routes/Start.svelte'),
  setup: nowhere,
  workspaces: () => import('./workbench/Workspaces.svelte'),
  workbench: () => import('./shell/Workbench.svelte'),
  settings: () => import('./settings/Settings.svelte'),
  admin: () => import('./admin/Admin.svelte'),
  nowhere,
};
