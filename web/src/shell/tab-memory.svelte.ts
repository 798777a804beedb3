import { untrack } from 'svelte';

import { account } from '../auth/account.svelte';
import { storage } from '../browser/storage';
import { Drafts } from '../editor/drafts';
import { tabs } from '../workbench/tabs.svelte';
import { readTabs, writtenTabs } from './remembered';

/** Brings the tabs of a workspace back after a reload; kept in this browser. */
class TabMemory {
  #restored: string | null = null;

  /** Restores the tabs of a workspace once, then keeps them as they change; call it in an effect. */
  follow(workspaceId: string): void {
    const userId = account.user?.id ?? '';
    const key = `codelab.tabs/${userId}/${workspaceId}`;
    if (this.#restored !== workspaceId) {
      this.#restored = workspaceId;
      untrack(() => this.#restore(key, workspaceId, userId));
    }
    storage.setItem(key, writtenTabs(tabs.all, tabs.activeId));
  }

  #restore(key: string, workspaceId: string, userId: string): void {
    const { all, activeId } = readTabs(storage.getItem(key));
    const before = tabs.activeId;
    for (const tab of all) tabs.open(tab);
    // What somebody has typed and not saved must be found again, whatever became of its tab.
    for (const path of new Drafts(storage.store, userId).paths(workspaceId)) tabs.openFile(path);
    tabs.activeId = before ?? activeId ?? tabs.all[0]?.id ?? null;
  }
}

export const tabMemory = new TabMemory();
