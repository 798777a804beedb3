import ClipboardPaste from '@lucide/svelte/icons/clipboard-paste';
import Copy from '@lucide/svelte/icons/copy';
import FilePlus from '@lucide/svelte/icons/file-plus';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import Pencil from '@lucide/svelte/icons/pencil';
import Scissors from '@lucide/svelte/icons/scissors';
import SquareArrowOutUpRight from '@lucide/svelte/icons/square-arrow-out-up-right';
import Trash2 from '@lucide/svelte/icons/trash-2';

import type { MenuItem } from '../ui/Menu.svelte';
import { nameOf } from '../ui/paths';
import { t } from './messages';
import { type Child } from './tree';

type Action = 'open' | 'newFile' | 'newFolder' | 'rename' | 'remove' | 'cut' | 'paste';

/** What can be done with an entry, or with the workspace's own folder. */
export function menuOf(entry: Child | null, cut: string | null, actions: Record<Action, () => void>): MenuItem[] {
  const fresh: MenuItem[] = [
    { label: t('newFile'), icon: FilePlus, run: actions.newFile },
    { label: t('newFolder'), icon: FolderPlus, run: actions.newFolder },
  ];
  const paste: MenuItem[] =
    cut === null
      ? []
      : [{ label: t('paste', { name: nameOf(cut) }), icon: ClipboardPaste, keys: 'Ctrl+V', run: actions.paste }];
  if (!entry) return [...fresh, ...paste];
  const disabled = !entry.can_open;
  return [
    ...(entry.kind === 'file' ? [{ label: t('open'), icon: SquareArrowOutUpRight, keys: 'Enter', disabled, run: actions.open }] : []),
    ...fresh,
    { label: t('rename'), icon: Pencil, keys: 'F2', disabled, run: actions.rename },
    { label: t('cut'), icon: Scissors, keys: 'Ctrl+X', disabled, run: actions.cut },
    ...paste,
    { label: t('copyPath'), icon: Copy, run: () => void navigator.clipboard.writeText(entry.path) },
    { label: t('remove'), icon: Trash2, keys: 'Delete', danger: true, disabled, run: actions.remove },
  ];
}
