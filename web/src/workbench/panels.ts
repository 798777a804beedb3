import Files from '@lucide/svelte/icons/files';
import GitBranch from '@lucide/svelte/icons/git-branch';
import MessagesSquare from '@lucide/svelte/icons/messages-square';
import Search from '@lucide/svelte/icons/search';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import type { Component } from 'svelte';

import { approvalsPanel } from '../approvals/panel';
import { t as ofEditor } from '../editor/messages';
import { problemCount } from '../editor/problems.svelte';
import { t as ofExplorer } from '../explorer/messages';
import { t as ofGit } from '../git/messages';
import { t as ofSearch } from '../search/messages';
import { t as ofSessions } from '../sessions/messages';
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
export const panels: Panel[] = [
  {
    id: 'files',
    title: () => ofExplorer('files'),
    icon: Files,
    keys: 'Ctrl+K E',
    load: () => import('../explorer/Explorer.svelte'),
  },
  {
    id: 'search',
    title: () => ofSearch('search'),
    icon: Search,
    keys: 'Ctrl+Shift+F',
    load: () => import('../search/Search.svelte'),
  },
  {
    id: 'git',
    title: () => ofGit('git'),
    icon: GitBranch,
    keys: 'Ctrl+K G',
    load: () => import('../git/GitPanel.svelte'),
    on: 'desktop',
  },
  {
    id: 'sessions',
    title: () => ofSessions('sessions'),
    icon: MessagesSquare,
    keys: 'Ctrl+K S',
    load: () => import('../sessions/Sessions.svelte'),
  },
  approvalsPanel,
];

/** The panes under the editor, in the order of their tabs. */
export const lowerPanes: Panel[] = [
  terminalPane,
  {
    id: 'problems',
    title: () => ofEditor('problems'),
    icon: TriangleAlert,
    keys: 'Ctrl+K P',
    load: () => import('../editor/ProblemsPane.svelte'),
    count: problemCount,
  },
];
