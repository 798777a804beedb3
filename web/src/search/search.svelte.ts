import { SvelteSet } from 'svelte/reactivity';

import { api, ok } from '../api/client';
import { Newest } from '../api/newest';
import type { components } from '../api/rest';
import { ofServer } from '../i18n/server.svelte';
import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { askIndex, type Answer } from './asking';
import { canReplace, chosenOf, countChosen, globsOf, idOf, linesOf, type FileMatches } from './group';
import { indexing } from './indexing.svelte';
import { t } from './messages';
import { mode } from './mode.svelte';

type Occurrences = components['schemas']['Occurrences'];
type Query = components['schemas']['SearchQuery'];

/** So much is asked for: files with code, or symbols. */
const MOST = { code: 20, symbol: 100 };
/** So many files the server changes in one go. */
const AT_ONCE = 500;

/** What is searched for, what was found, and what of it is to be replaced. */
class Search {
  pattern = $state('');
  replacement = $state('');
  include = $state('');
  exclude = $state('');
  isRegex = $state(false);
  matchCase = $state(false);
  wholeWord = $state(false);
  replaces = $state(false);
  filters = $state(false);
  found = $state.raw<Occurrences | null>(null);
  /** What the index found, where it is what is searched. */
  answer = $state.raw<Answer | null>(null);
  busy = $state(false);
  problem = $state('');
  closed = new SvelteSet<string>();
  /** Matches that stay as they are. */
  left = new SvelteSet<string>();
  readonly lines = $derived(linesOf(this.found?.files ?? [], this.closed, this.left));
  readonly chosen = $derived(countChosen(this.found?.files ?? [], this.left));
  #newest = new Newest();
  #workspaceId = '';

  /** Forgets what was found in another workspace. */
  open(): void {
    if (this.#workspaceId === workspace.id) return;
    this.#workspaceId = workspace.id;
    this.#clear();
  }

  /** Searches for what is asked for now; an earlier search that still runs is given up. */
  async run(): Promise<void> {
    const signal = this.#newest.ask();
    if (this.pattern === '') {
      this.#clear();
      return;
    }
    this.busy = true;
    try {
      const asked = mode.current;
      const answer = asked === 'text' ? null : await askIndex(asked, this.pattern, MOST[asked], signal);
      const found = asked === 'text' ? await this.#ask(signal) : null;
      this.#clear();
      [this.found, this.answer] = [found, answer];
      // Whether something is missing, and whether that has changed since.
      if (answer) indexing.look();
    } catch (error) {
      if (signal.aborted) return;
      this.#clear();
      this.problem = explain(error);
    } finally {
      if (!signal.aborted) this.busy = false;
    }
  }

  /** Replaces what is chosen, and searches again. */
  async replace(): Promise<void> {
    const chosen = chosenOf(this.found?.files ?? [], this.left);
    const body = { search: this.#query(), replacement: this.replacement };
    this.busy = true;
    try {
      let changed = 0;
      for (let start = 0; start < chosen.length; start += AT_ONCE) {
        const files = chosen.slice(start, start + AT_ONCE);
        const params = { path: { workspace_id: workspace.id } };
        const done = await ok(
          api.POST('/api/v1/workspaces/{workspace_id}/replacements', { params, body: { ...body, files } }),
        );
        changed += done.files.length;
        for (const file of done.skipped) toasts.show(t('skipped', { path: file.path, reason: ofServer(file.reason) }), 'bad');
      }
      toasts.show(t('replaced', { n: changed }), 'good');
    } catch (error) {
      toasts.show(explain(error), 'bad');
    }
    await this.run();
  }

  /** Chooses a match for being replaced, or leaves it. */
  toggle(path: string, offset: number): void {
    const id = idOf(path, offset);
    if (!this.left.delete(id)) this.left.add(id);
  }

  /** Chooses all matches of a file, or leaves them all. */
  toggleFile(file: FileMatches): void {
    if (!canReplace(file)) return;
    const ids = file.occurrences.map((match) => idOf(file.path, match.offset));
    const isWhole = ids.every((id) => !this.left.has(id));
    for (const id of ids) {
      if (isWhole) this.left.add(id);
      else this.left.delete(id);
    }
  }

  /** Opens or closes a file's matches. */
  fold(path: string): void {
    if (!this.closed.delete(path)) this.closed.add(path);
  }

  async #ask(signal: AbortSignal): Promise<Occurrences> {
    const params = { path: { workspace_id: workspace.id } };
    const search = this.#query();
    if (!this.replaces) {
      return await ok(api.POST('/api/v1/workspaces/{workspace_id}/searches', { params, body: search, signal }));
    }
    const body = { search, replacement: this.replacement };
    return await ok(api.POST('/api/v1/workspaces/{workspace_id}/replacements/preview', { params, body, signal }));
  }

  #query(): Query {
    return {
      pattern: this.pattern,
      is_regex: this.isRegex,
      match_case: this.matchCase,
      whole_word: this.wholeWord,
      include: globsOf(this.include),
      exclude: globsOf(this.exclude),
    };
  }

  #clear(): void {
    this.found = null;
    this.answer = null;
    this.problem = '';
    this.closed.clear();
    this.left.clear();
  }
}

/** The search in the open workspace's files. */
export const search = new Search();
