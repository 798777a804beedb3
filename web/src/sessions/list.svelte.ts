import { api, ok } from '../api/client';
import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { replaced, type SessionView } from './grouping';
import { t } from './messages';
import { saveSession, type SessionFormat } from './saving';

type Change = Partial<Pick<SessionView, 'title' | 'archived'>>;

const PAGE = 500;
/** More than this, nobody reads: what is older is found by searching. */
const MOST = 10_000;

class SessionList {
  /** The sessions of the open workspace: all, or all that were found. */
  sessions = $state.raw<SessionView[]>([]);
  /** Where a message has what was searched for. */
  excerpts = $state.raw<ReadonlyMap<string, string>>(new Map());
  archived = $state(false);
  text = $state('');
  inMessages = $state(false);
  isLoading = $state(false);
  isLoaded = $state(false);
  problem = $state('');

  #load = 0;

  /** Reads the list, or searches, page by page; a later call overtakes an earlier one. */
  async refresh(): Promise<void> {
    this.#load += 1;
    const load = this.#load;
    this.isLoading = true;
    this.problem = '';
    const found: SessionView[] = [];
    const excerpts = new Map<string, string>();
    try {
      let before: string | undefined;
      do {
        const page = await this.#page(before, excerpts);
        if (load !== this.#load) return;
        found.push(...page.sessions.filter((each) => each.workspace_id === workspace.current?.id));
        before = page.next ?? undefined;
        // A search shows what it has so far; a list changes only when all of it is there.
        if (this.text.trim() !== '') this.#take(found, excerpts);
      } while (before !== undefined && found.length < MOST);
      this.#take(found, excerpts);
    } catch (error) {
      if (load === this.#load) this.problem = explain(error);
    } finally {
      if (load === this.#load) this.isLoading = false;
    }
  }

  /** Changes a session's title, or moves it into the archive or out of it. */
  async change(id: string, body: Change): Promise<void> {
    await this.#try(async () => {
      const params = { path: { session_id: id } };
      const changed = await ok(api.PATCH('/api/v1/sessions/{session_id}', { params, body }));
      const stays = changed.archived === this.archived;
      this.sessions = stays
        ? replaced(this.sessions, changed)
        : this.sessions.filter((each) => each.id !== id);
    });
  }

  /** Deletes a session for good. */
  async delete(id: string): Promise<void> {
    await this.#try(async () => {
      await ok(api.DELETE('/api/v1/sessions/{session_id}', { params: { path: { session_id: id } } }));
      this.sessions = this.sessions.filter((each) => each.id !== id);
    });
  }

  /** Hands a session to the browser as a file. */
  async export(session: SessionView, format: SessionFormat): Promise<void> {
    await this.#try(async () => {
      toasts.show(t('saved', { file: await saveSession(session, format) }), 'good');
    });
  }

  async #page(
    before: string | undefined,
    excerpts: Map<string, string>,
  ): Promise<{ sessions: SessionView[]; next?: string | null | undefined }> {
    const { archived } = this;
    const text = this.text.trim();
    const cursor = before === undefined ? {} : { before };
    if (text === '') {
      const query = { archived, limit: PAGE, ...cursor };
      return ok(api.GET('/api/v1/sessions', { params: { query } }));
    }
    const query = { text: text.slice(0, 200), messages: this.inMessages, archived, ...cursor };
    const page = await ok(api.GET('/api/v1/sessions/search', { params: { query } }));
    for (const each of page.found) if (each.excerpt) excerpts.set(each.session.id, each.excerpt);
    return { sessions: page.found.map((each) => each.session), next: page.next };
  }

  #take(found: readonly SessionView[], excerpts: ReadonlyMap<string, string>): void {
    this.sessions = [...found];
    this.excerpts = new Map(excerpts);
    this.isLoaded = true;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      toasts.show(explain(error), 'bad');
    }
  }
}

/** The sessions of the open workspace. */
export const sessionList = new SessionList();
