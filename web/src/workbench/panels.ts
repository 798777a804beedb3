import type { Component } from 'svelte';

import { terminalPane } from '../terminal/pane';

/** A pane beside the editor, chosen on the rail; on a phone it is a page of its own. */
export interface Panel {
  id: string;
  title: () => string;
  icon: Component<{ size?: number | string }>;
  load: () => Promise<{ default: Component }>;
  keys?: string;
  /** A number on its entry, such as waiting approvals. */
  count?: () => number;
  /** Where it is offered; everywhere, if absent. */
  on?: 'phone' | 'desktop';
}

/** The panels, in the order of the rail. */
export const panels: Panel[] = [];

/** The panes under the editor, in the order of their tabs. */
export const lowerPanes: Panel[] = [terminalPane];
