import Files from '@lucide/svelte/icons/files';
import GitBranch from '@lucide/svelte/icons/git-branch';
import MessagesSquare from '@lucide/svelte/icons/messages-square';
import Search from '@lucide/svelte/icons/search';
import ShieldQuestion from '@lucide/svelte/icons/shield-question-mark';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import type { Component } from 'svelte';

import { t as ofApprovals } from '../approvals/messages';
import { waiting } from '../approvals/waiting.svelte';
import { t as ofEditor } from '../editor/messages';
import { problemCount } from '../editor/problems.svelte';
import { t as ofExplorer } from '../explorer/messages';
import { t as ofGit } from '../git/messages';
import { t as ofSearch } from '../search/messages';
import { t as ofSessions } from '../sessions/messages';
import { t as ofTerminal } from '../terminal/messages';

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
  {
    id: 'approvals',
    title: () => ofApprovals('approvals'),
    icon: ShieldQuestion,
    load: () => import('../approvals/ApprovalsPanel.svelte'),
    count: () => waiting.count,
    on: 'phone',
  },
];

/** The panes under the editor, in the order of their tabs. */
export const lowerPanes: Panel[] = [
  {
    id: 'terminal',
    title: () => ofTerminal('terminal'),
    icon: SquareTerminal,
    keys: 'Ctrl+`',
    load: () => import('../terminal/TerminalPane.svelte'),
  },
  {
    id: 'problems',
    title: () => ofEditor('problems'),
    icon: TriangleAlert,
    keys: 'Ctrl+K P',
    load: () => import('../editor/ProblemsPane.svelte'),
    count: problemCount,
  },
];
