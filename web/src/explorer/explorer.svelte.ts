import { SvelteMap, SvelteSet } from 'svelte/reactivity';

import { isPassing } from '../api/problem';
import { storage } from '../browser/storage';
import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { nameOf, parentOf } from '../ui/paths';
import type { Changes } from '../workbench/changes.svelte';
import { handOver } from '../workbench/moves';
import { tabs, type Tab } from '../workbench/tabs.svelte';
import { workspace } from '../workbench/workspace.svelte';
import * as requests from './requests';
import { flatten, foldersAround, isWithin, join, movedPath, ROOT, type Draft, type Loaded } from './tree';

const KEPT = 'codelab.explorer.';
/** So many pages of a folder are fetched again after a change; the rest when it is scrolled to. */
const MOST_PAGES = 5;
/** Changes that follow each other quickly are looked at together. */
const CALM_MS = 150;

/** The tree of the open workspace: what was fetched, what is open, what is being done. */
class Explorer {
  folders = new SvelteMap<string, Loaded>();
  expanded = new SvelteSet<string>();
  /** The line that the keys act on. */
  activeId = $state<string | null>(null);
  draft = $state<Draft | null>(null);
  /** What was cut and waits to be put elsewhere. */
  cut = $state<string | null>(null);
  problem = $state('');
  readonly rows = $derived(flatten(this.folders, this.expanded, this.draft));
  #workspaceId = '';
  #loading = new Map<string, Promise<void>>();
  #stale = new Set<string>();
  #isRefreshing = false;

  /** Shows the open workspace as it was left. */
  open(): void {
    if (this.#workspaceId === workspace.id) return;
    this.#workspaceId = workspace.id;
    this.folders.clear();
    this.expanded.clear();
    this.#loading.clear();
    this.#stale.clear();
    this.activeId = this.draft = this.cut = null;
    for (const path of kept(workspace.id)) this.expanded.add(path);
    void this.load(ROOT);
    for (const path of this.expanded) void this.load(path);
  }

  /** Fetches a folder, if that was not done yet. */
  async load(path: string): Promise<void> {
    if (!this.folders.has(path)) await this.#fetch(path, 1);
  }

  /** Fetches the next page of a folder. */
  async more(path: string): Promise<void> {
    const known = this.folders.get(path);
    if (!known || known.cursor === null || this.#loading.has(path)) return;
    await this.#once(path, async () => {
      const page = await requests.fetchPage(path, known.cursor);
      if (this.folders.get(path) === known) {
        this.folders.set(path, { ...page, entries: [...known.entries, ...page.entries] });
      }
    });
  }

  /** Opens or closes a folder. */
  toggle(path: string, open = !this.expanded.has(path)): void {
    if (open) {
      this.expanded.add(path);
      void this.load(path);
    } else {
      this.expanded.delete(path);
    }
    this.#keep();
  }

  /** Closes all folders. */
  collapseAll(): void {
    this.expanded.clear();
    this.#keep();
  }

  /** Opens the folders around something and goes to its line. */
  async reveal(path: string): Promise<void> {
    for (const folder of foldersAround(path)) {
      this.expanded.add(folder);
      await this.load(folder);
    }
    this.activeId = path;
  }

  /** Takes news of changes: what is shown of them is fetched again. */
  hear(changes: Changes): void {
    if (changes.more) for (const path of this.folders.keys()) this.#stale.add(path);
    if (changes.more && this.problem !== '') void this.load(ROOT);
    for (const folder of changes.folders) this.#stale.add(folder === '.' ? ROOT : folder);
    for (const path of this.#stale) if (!this.folders.has(path)) this.#stale.delete(path);
    if (this.#stale.size > 0 && !this.#isRefreshing) void this.#refresh();
  }

  /** Begins a new file or folder; its name is typed in place. */
  begin(parent: string, isFolder: boolean): void {
    if (parent !== ROOT) this.toggle(parent, true);
    this.draft = { parent, path: null, isFolder };
  }

  /** Gives the draft its name. */
  async finish(name: string): Promise<void> {
    const draft = this.draft;
    this.draft = null;
    if (!draft) return;
    const path = join(draft.parent, name);
    if (draft.path !== null) {
      if (path !== draft.path) await this.move(draft.path, path);
      return;
    }
    const { activeId } = this;
    await this.#try(async () => {
      if (draft.isFolder) await requests.createFolder(path);
      else await requests.createFile(path);
      await this.#fetch(draft.parent);
      // Whoever has gone on to another line meanwhile stays there.
      if (this.activeId === activeId) await this.reveal(path);
      if (!draft.isFolder) tabs.openFile(path);
    });
  }

  /** Gives something another place or name; what is open of it follows. */
  async move(from: string, to: string): Promise<void> {
    await this.#try(async () => {
      await requests.move(from, to);
      const opened = Array.from(this.expanded).filter((path) => isWithin(path, from));
      this.#forget(from);
      for (const path of opened) this.toggle(movedPath(path, from, to), true);
      await Promise.all([this.#fetch(parentOf(from)), this.#fetch(parentOf(to))]);
      await this.reveal(to);
      await reopen(from, to);
    });
  }

  /** Puts what was cut into a folder. */
  async paste(folder: string): Promise<void> {
    const from = this.cut;
    this.cut = null;
    if (from !== null) await this.drop(from, folder);
  }

  /** Moves something into a folder, unless it lies there already. */
  async drop(from: string, folder: string): Promise<void> {
    if (parentOf(from) !== folder && !isWithin(folder, from)) await this.move(from, join(folder, nameOf(from)));
  }

  /** Deletes a file, or a folder with all that is in it. */
  async remove(path: string, isFolder: boolean): Promise<void> {
    await this.#try(async () => {
      if (isFolder) await requests.deleteFolder(path);
      else await requests.deleteFile(path);
      this.#forget(path);
      await this.#fetch(parentOf(path));
      await Promise.all(tabsWithin(path).map((tab) => tabs.close(tab.id)));
    });
  }

  async #refresh(): Promise<void> {
    this.#isRefreshing = true;
    while (this.#stale.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, CALM_MS));
      const stale = [...this.#stale];
      this.#stale.clear();
      await Promise.all(stale.map((path) => this.#fetch(path)));
    }
    this.#isRefreshing = false;
  }

  /** Fetches a folder anew, as far as it was shown. */
  async #fetch(path: string, pages = MOST_PAGES): Promise<void> {
    await this.#loading.get(path);
    await this.#once(path, async () => {
      const wanted = this.folders.get(path)?.entries.length ?? 0;
      let loaded = await requests.fetchPage(path, null);
      for (let page = 1; page < pages && loaded.cursor !== null && loaded.entries.length < wanted; page += 1) {
        const next = await requests.fetchPage(path, loaded.cursor);
        loaded = { ...next, entries: [...loaded.entries, ...next.entries] };
      }
      this.folders.set(path, loaded);
    });
  }

  async #once(path: string, work: () => Promise<void>): Promise<void> {
    const known = this.#loading.get(path);
    if (known) return await known;
    const id = this.#workspaceId;
    const loading = this.#attempt(path, work, id);
    this.#loading.set(path, loading);
    await loading;
  }

  async #attempt(path: string, work: () => Promise<void>, id: string): Promise<void> {
    try {
      await work();
      if (path === ROOT) this.problem = '';
    } catch (error) {
      if (id !== this.#workspaceId) return;
      // A server that is away has said nothing of the folder: with it come news, and the folder again.
      if (this.folders.has(path) && isPassing(error)) return;
      this.expanded.delete(path);
      this.folders.delete(path);
      if (path === ROOT) this.problem = explain(error);
    } finally {
      this.#loading.delete(path);
    }
  }

  #forget(path: string): void {
    for (const known of this.folders.keys()) if (isWithin(known, path)) this.folders.delete(known);
    for (const known of this.expanded) if (isWithin(known, path)) this.expanded.delete(known);
    this.#keep();
  }

  #keep(): void {
    storage.setItem(KEPT + workspace.id, JSON.stringify([...this.expanded].slice(0, 500)));
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      toasts.show(explain(error), 'bad');
    }
  }
}

function kept(id: string): string[] {
  const found = storage.json(KEPT + id);
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
}

function tabsWithin(path: string): Tab[] {
  return tabs.all.filter((tab) => tab.path !== undefined && isWithin(tab.path, path));
}

/** Files that are open under an old path are opened under the new one, with what is unsaved in them. */
async function reopen(from: string, to: string): Promise<void> {
  for (const tab of tabsWithin(from)) {
    if (tab.kind !== 'file' || tab.path === undefined) continue;
    const path = movedPath(tab.path, from, to);
    if (tabs.unsaved[tab.id] && !handOver(tab.path, path)) continue;
    if (await tabs.close(tab.id)) tabs.openFile(path);
  }
}

/** The tree of the open workspace. */
export const explorer = new Explorer();
