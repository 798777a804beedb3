import { api, ok } from '../api/client';
import { Newest } from '../api/newest';
import type { components } from '../api/rest';
import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { reveal } from '../ui/visible';
import { layout } from '../workbench/layout.svelte';
import { marks } from '../workbench/marks.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { marksOf, type RepositoryStatus } from './changes';
import { t } from './messages';

export type KeptFile = components['schemas']['KeptFile'];
export type Branch = components['schemas']['Branch'];
export type CommitSummary = components['schemas']['CommitSummary'];

const QUIET_MS = 300;

/** The repository of the open workspace, as it was last seen. */
class Repository {
  status = $state<RepositoryStatus | null>(null);
  problem = $state('');
  /** Something is being done: buttons wait for it. */
  isBusy = $state(false);
  /** The message of the next commit, kept while the panel is closed. */
  message = $state('');
  /** Grows whenever there may be new commits. */
  generation = $state(0);
  /** Ends with what is being done, if anything is. */
  settled: Promise<unknown> = Promise.resolve();

  #of: string | null = null;
  #newest = new Newest();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Looks again soon, once for many reasons at the same time. */
  hint(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), QUIET_MS);
  }

  /** Looks at the repository. */
  async refresh(): Promise<void> {
    const id = workspace.current?.id;
    if (id === undefined) return;
    if (this.#of !== id) this.#forget(id);
    const signal = this.#newest.ask();
    try {
      const params = { path: { workspace_id: id } };
      this.#take(await ok(api.GET('/api/v1/workspaces/{workspace_id}/git/status', { params, signal })));
    } catch (error) {
      if (!signal.aborted) this.problem = explain(error);
    }
  }

  /** Stages files. */
  stage(paths: string[]): Promise<void> {
    return this.#changed((params) => api.POST('/api/v1/workspaces/{workspace_id}/git/stage', { params, body: { paths } }));
  }

  /** Takes files out of the next commit. */
  unstage(paths: string[]): Promise<void> {
    return this.#changed((params) => api.POST('/api/v1/workspaces/{workspace_id}/git/unstage', { params, body: { paths } }));
  }

  /** Stages a text for a file, if what is staged of it is still what was seen. */
  stageText(path: string, text: string, before: string): Promise<void> {
    return this.#changed((params) =>
      api.PUT('/api/v1/workspaces/{workspace_id}/git/index', { params, body: { path, text, before } }),
    );
  }

  /** Commits what is staged; the message is kept if that fails. */
  async commit(): Promise<void> {
    const { message } = this;
    await this.#changed((params) =>
      api.POST('/api/v1/workspaces/{workspace_id}/git/commit', { params, body: { message } }),
    );
    if (this.problem !== '') return;
    this.message = '';
    this.generation += 1;
    toasts.show(t('committed', { branch: reveal(this.status?.branch ?? '') }), 'good');
  }

  /** Makes a repository. */
  found(): Promise<void> {
    return this.#changed((params) => api.POST('/api/v1/workspaces/{workspace_id}/git/init', { params }));
  }

  /** Gives changes up; the notice offers the way back. */
  async discard(paths: string[]): Promise<void> {
    await this.#work(async (params) => {
      const { kept } = await ok(api.POST('/api/v1/workspaces/{workspace_id}/git/discard', { params, body: { paths } }));
      toasts.show(t('discarded', { n: kept.length }), 'plain', {
        label: t('undo'),
        run: () => void this.#undiscard(kept),
      });
    });
    await this.refresh();
  }

  /** Goes to a branch, which is made first if it starts somewhere. */
  async switchTo(branch: string, start?: string): Promise<void> {
    if (start !== undefined) {
      const isMade = await this.#work(async (params) => {
        await ok(api.POST('/api/v1/workspaces/{workspace_id}/git/branches', { params, body: { name: branch, start } }));
      });
      if (!isMade) return;
    }
    await this.#changed((params) => api.POST('/api/v1/workspaces/{workspace_id}/git/switch', { params, body: { branch } }));
    if (this.problem !== '') return;
    this.generation += 1;
    toasts.show(t('switched', { branch: reveal(branch) }), 'good');
  }

  /** Deletes a branch that is merged. */
  async deleteBranch(name: string): Promise<void> {
    const isDone = await this.#work(async ({ path }) => {
      await ok(api.DELETE('/api/v1/workspaces/{workspace_id}/git/branches/{name}', { params: { path: { ...path, name } } }));
    });
    if (isDone) toasts.show(t('deleted', { branch: reveal(name) }), 'good');
  }

  /** Lists the branches. */
  async branches(): Promise<Branch[]> {
    const params = { path: { workspace_id: workspace.id } };
    return (await ok(api.GET('/api/v1/workspaces/{workspace_id}/git/branches', { params }))).branches;
  }

  async #undiscard(files: KeptFile[]): Promise<void> {
    await this.#work(async (params) => {
      const { left } = await ok(api.POST('/api/v1/workspaces/{workspace_id}/git/undiscard', { params, body: { files } }));
      if (left.length > 0) toasts.show(t('leftAlone', { paths: left.map(reveal).join(', ') }), 'bad');
    });
    await this.refresh();
  }

  async #changed(
    ask: (params: Params) => Promise<{ data?: RepositoryStatus; error?: unknown; response: Response }>,
  ): Promise<void> {
    // What is asked already would tell of the state before.
    this.#newest.ask();
    const isDone = await this.#work(async (params) => this.#take(await ok(ask(params))));
    if (!isDone) this.hint();
  }

  #work(work: (params: Params) => Promise<void>): Promise<boolean> {
    const done = this.#attempt(work);
    this.settled = done;
    return done;
  }

  async #attempt(work: (params: Params) => Promise<void>): Promise<boolean> {
    this.isBusy = true;
    this.problem = '';
    try {
      await work({ path: { workspace_id: workspace.id } });
      return true;
    } catch (error) {
      this.problem = explain(error);
      // Asked from elsewhere, nobody would see it in the panel.
      if (layout.panelId !== 'git') toasts.show(this.problem, 'bad');
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  #take(status: RepositoryStatus): void {
    if (this.status && this.status.commit !== status.commit) this.generation += 1;
    this.status = status;
    marks.set(marksOf(status.entries));
  }

  #forget(id: string): void {
    this.#of = id;
    this.status = null;
    marks.set([]);
    this.problem = '';
    this.message = '';
  }
}

interface Params {
  path: { workspace_id: string };
}

/** The repository that this tab works on. */
export const repository = new Repository();

window.addEventListener('focus', () => repository.hint());
