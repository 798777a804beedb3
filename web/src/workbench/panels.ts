import GitBranch from '@lucide/svelte/icons/git-branch';
import MessagesSquare from '@lucide/svelte/icons/messages-square';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import type { Component } from 'svelte';

import { t } from '../editor/messages';
import { problemCount } from '../editor/problems.svelte';
import { t as tGit } from '../git/messages';
import { t as tSessions } from '../sessions/messages';

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
    id: 'git',
    title: () => tGit('git'),
    icon: GitBranch,
    load: () => import('../git/GitPanel.svelte'),
    keys: 'Ctrl+Shift+G',
    on: 'desktop',
  },
  {
    id: 'sessions',
    title: () => tSessions('sessions'),
    icon: MessagesSquare,
    load: () => import('../sessions/Sessions.svelte'),
    keys: 'Ctrl+K S',
  },
];

/** The panes under the editor, in the order of their tabs. */
export const lowerPanes: Panel[] = [
  {
    id: 'problems',
    title: () => t('problems'),
    icon: TriangleAlert,
    load: () => import('../editor/ProblemsPane.svelte'),
    keys: 'Ctrl+Shift+M',
    count: problemCount,
  },
];
