import { api, ok } from '../api/client';
import { connection } from '../socket/connection.svelte';
import { EMPTY } from './board';
import type { Frame } from './frames';
import { Transcript } from './transcript';
import type { Changes, EntryView, SessionStatus, UserView } from './view';

/** Of a longer log the end is shown before the rest has come. */
const END_FRAMES = 150;

/** An entry's place in the page: it is rendered again when its entry is another one. */
export class Row {
  view: EntryView;

  constructor(view: EntryView) {
    this.view = $state.raw(view);
  }

  get key(): string {
    return this.view.key;
  }
}

/** A session that this tab follows, for components to show. */
export class LiveSession {
  rows = $state.raw<readonly Row[]>([]);
  status = $state.raw<SessionStatus>(EMPTY);
  readonly #transcript = new Transcript();
  readonly #rows = new Map<string, Row>();
  readonly #unwatch: () => void;

  constructor(readonly id: string) {
    this.#transcript.subscribe((changes) => this.#show(changes));
    this.#unwatch = connection.watch(id, {
      frame: (frame) => this.#take(frame),
      reset: () => this.#transcript.reset(),
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** An entry by its key, if it is shown. */
  entry(key: string): EntryView | undefined {
    return this.#rows.get(key)?.view;
  }

  /** The user's message that began a turn, once the turn's place in the log has come. */
  question(turnId: string): UserView | undefined {
    return this.#transcript.question(turnId);
  }

  #take(frame: Frame): void {
    this.#transcript.frame(frame);
    if (frame.type !== 'recovered' || this.#transcript.missing <= 2 * END_FRAMES) return;
    if (this.rows.length === 0) void this.#showEnd(frame.data.last_seq - END_FRAMES);
  }

  /** Shows what stands behind a place in the log; the whole takes its place when it is there. */
  async #showEnd(after: number): Promise<void> {
    const params = { path: { session_id: this.id }, query: { after, limit: END_FRAMES } };
    // Without it one waits for the whole.
    const page = await ok(api.GET('/api/v1/sessions/{session_id}/events', { params })).catch(() => null);
    if (!page || this.rows.length > 0) return;
    const end = new Transcript(undefined, after);
    for (const event of page.events) end.frame(event as unknown as Frame);
    this.#arrange(end);
    this.status = end.status;
  }

  #show(changes: Changes): void {
    if (changes.order) this.#arrange(this.#transcript);
    for (const key of changes.entries) {
      const row = this.#rows.get(key);
      const view = this.#transcript.entry(key);
      if (row && view) row.view = view;
    }
    if (changes.status) this.status = this.#transcript.status;
  }

  #arrange(transcript: Transcript): void {
    const gone = new Set(this.#rows.keys());
    const rows: Row[] = [];
    for (const key of transcript.order) {
      const view = transcript.entry(key);
      if (!view) continue;
      gone.delete(key);
      const row = this.#rows.get(key) ?? new Row(view);
      this.#rows.set(key, row);
      rows.push(row);
    }
    for (const key of gone) this.#rows.delete(key);
    this.rows = rows;
  }
}

const followed = new Map<string, { session: LiveSession; users: number }>();

/**
 * Follows a session together with whoever else does; `release` when it is not shown any more.
 */
export function follow(sessionId: string): LiveSession {
  const entry = followed.get(sessionId) ?? { session: new LiveSession(sessionId), users: 0 };
  entry.users += 1;
  followed.set(sessionId, entry);
  return entry.session;
}

/** Gives a followed session back. */
export function release(session: LiveSession): void {
  const entry = followed.get(session.id);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  followed.delete(session.id);
  session.close();
}
