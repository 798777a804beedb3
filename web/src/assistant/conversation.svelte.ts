import { untrack } from 'svelte';

import { api, ok } from '../api/client';
import type { Chat } from '../api/frames';
import type { components } from '../api/rest';
import { router } from '../routes/router.svelte';
import { addressOf } from '../routes/routes';
import { follow, release, type LiveSession } from '../session/live.svelte';
import type { UserView } from '../session/view';
import { connection } from '../socket/connection.svelte';
import { FrameRefused } from '../socket/requests';
import { explain } from '../ui/explain';
import { selection } from '../workbench/selection.svelte';
import { tabs } from '../workbench/tabs.svelte';
import { keepDraft, readDraft } from './drafts';

type SessionRecord = components['schemas']['SessionView'];

const MOST_OPEN_FILES = 200;

/** A message on its way to the agents. */
export interface Outgoing {
  id: number;
  text: string;
  /** It was sent, and the server has not answered yet. */
  sending: boolean;
}

/** The assistant's side of one session, or of one that begins with the first message. */
export class Conversation {
  session = $state.raw<LiveSession | null>(null);
  record = $state.raw<SessionRecord | null>(null);
  text = $state('');
  queue = $state<Outgoing[]>([]);
  /** Why the last thing asked for did not happen. */
  problem = $state('');
  /** For a session that does not exist yet. */
  chosen = $state<{ agent: string | null; model: string | null }>({ agent: null, model: null });
  /** Kept from an earlier visit: nobody waits for it to be sent by itself. */
  paused = $state(false);
  withOpenFiles = $state(true);
  /** Which checkpoints are shown: none, the list, or one by its id. */
  checkpoints = $state<'closed' | 'list' | { id: string }>('closed');
  /** What its user thought of the messages. */
  ratings = $state<Record<string, string>>({});
  #next = 0;
  /** The turn that this tab began last and has not seen end. */
  #awaited: string | null = null;
  /** What is being sent is to be stopped as soon as it is a turn. */
  #stopsNext = false;

  constructor(
    readonly workspaceId: string,
    sessionId: string | null,
  ) {
    const draft = readDraft(this.#place(sessionId));
    this.text = draft.text;
    this.queue = draft.queue.map((text) => this.#outgoing(text));
    this.paused = draft.queue.length > 0;
    if (sessionId !== null) this.#open(sessionId);
  }

  get sessionId(): string | null {
    return this.session?.id ?? null;
  }

  get busy(): boolean {
    return this.session?.status.busy ?? false;
  }

  get agent(): string | null {
    return this.record ? this.record.agent : this.chosen.agent;
  }

  get model(): string | null {
    return this.record ? this.record.model : this.chosen.model;
  }

  /** Lets the session go; what was written is kept. */
  close(): void {
    if (this.session) release(this.session);
  }

  /** Keeps what is written, in this browser. */
  keep(): void {
    const queue = this.queue.map((each) => each.text);
    keepDraft(this.#place(this.sessionId), { text: this.text, queue });
  }

  /** Sends a message, after the running turn if there is one; `interrupting` stops that first. */
  submit(text: string, { interrupting = false }: { interrupting?: boolean } = {}): void {
    if (text.trim() === '') return;
    this.problem = '';
    this.paused = false;
    const outgoing = this.#outgoing(text);
    this.queue = interrupting ? [outgoing, ...this.queue] : [...this.queue, outgoing];
    this.keep();
    // The turn that is to be stopped may be one that nobody has seen yet.
    if (interrupting && this.queue.some((each) => each.sending)) this.#stopsNext = true;
    else if (interrupting && !this.#isFree()) void this.stop();
    this.advance();
  }

  /** Shows what going back to a checkpoint would do. */
  showCheckpoint(id: string): void {
    this.checkpoints = { id };
  }

  /** Sends what waits, if its time has come. */
  advance(): void {
    const [head] = this.queue;
    if (!head || head.sending || this.paused || !this.#isFree()) return;
    head.sending = true;
    void this.#send(head);
  }

  /** Stops the running turn. */
  async stop(): Promise<void> {
    if (!this.sessionId) return;
    await this.#try(() =>
      connection.send({ type: 'cancel', session_id: this.sessionId ?? '', data: {} }),
    );
  }

  /** Takes a waiting message back. */
  remove(id: number): void {
    this.queue = this.queue.filter((each) => each.id !== id || each.sending);
    this.keep();
  }

  /** Asks again from a message of the user's on, whose turn and all later ones are hidden. */
  async resend(seq: number, text: string): Promise<boolean> {
    const sessionId = this.sessionId;
    if (!sessionId || this.busy) return false;
    const params = { path: { session_id: sessionId } };
    const body = { before_seq: seq };
    const done = await this.#try(() => ok(api.POST('/api/v1/sessions/{session_id}/rewind', { params, body })));
    if (done) this.submit(text);
    return done;
  }

  /** Chooses who answers from now on; none lets CodeLab choose. */
  async choose(change: { agent?: string | null; model?: string | null }): Promise<void> {
    this.chosen = { ...this.chosen, ...change };
    if (!this.sessionId) return;
    const params = { path: { session_id: this.sessionId } };
    await this.#try(async () => {
      this.record = await ok(api.PATCH('/api/v1/sessions/{session_id}', { params, body: change }));
    });
  }

  /** Shows the model again what a compaction has hidden, and all later ones. */
  async restoreCompaction(seq: number): Promise<boolean> {
    const params = { path: { session_id: this.sessionId ?? '', seq } };
    return this.#try(() => ok(api.POST('/api/v1/sessions/{session_id}/compactions/{seq}/restore', { params })));
  }

  /** Reads the session's record again, such as its title. */
  async reload(): Promise<void> {
    if (!this.sessionId) return;
    const params = { path: { session_id: this.sessionId } };
    await this.#try(async () => {
      this.record = await ok(api.GET('/api/v1/sessions/{session_id}', { params }));
    });
  }

  async #readRatings(sessionId: string): Promise<void> {
    const params = { path: { session_id: sessionId } };
    await this.#try(async () => {
      const given = await ok(api.GET('/api/v1/sessions/{session_id}/feedback', { params }));
      // What was rated meanwhile is newer.
      this.ratings = { ...given, ...this.ratings };
    });
  }

  /** The user's message that began a turn, as far as it still counts. */
  questionOf(turnId: string): UserView | undefined {
    return this.session?.question(turnId);
  }

  #isFree(): boolean {
    const status = this.session?.status;
    if (!status) return true;
    const awaited = this.#awaited;
    // Another turn may have begun since, before anybody here saw the end of this one.
    const hasBegun = awaited === null || this.questionOf(awaited) !== undefined;
    if (!hasBegun || status.busy) return false;
    this.#awaited = null;
    return true;
  }

  async #send(outgoing: Outgoing): Promise<void> {
    try {
      const session = this.session ?? (await this.#begin());
      const ack = await connection.send(this.#frame(session.id, outgoing.text));
      selection.asked = null;
      this.#awaited = ack.turn_id ?? null;
      if (this.#stopsNext) void this.stop();
      this.#stopsNext = false;
      this.queue = this.queue.filter((each) => each.id !== outgoing.id);
    } catch (error) {
      this.#refused(outgoing, error);
    }
    this.keep();
  }

  #refused(outgoing: Outgoing, error: unknown): void {
    this.queue = this.queue.map((each) => (each.id === outgoing.id ? { ...each, sending: false } : each));
    // Another tab was quicker: it waits for that turn's end.
    if (error instanceof FrameRefused && error.data.code === 'turn_in_progress') return;
    this.paused = true;
    this.problem = explain(error);
  }

  async #begin(): Promise<LiveSession> {
    const body = { workspace_id: this.workspaceId, title: '', ...this.chosen };
    const record = await ok(api.POST('/api/v1/sessions', { body }));
    keepDraft(this.#place(null), { text: '', queue: [] });
    this.record = record;
    this.session = follow(record.id);
    router.go(addressOf(this.workspaceId, record.id));
    return this.session;
  }

  #frame(sessionId: string, message: string): Chat {
    const asked = selection.asked;
    const open = this.withOpenFiles ? tabs.all.flatMap((tab) => tab.path ?? []) : [];
    return {
      type: 'chat',
      session_id: sessionId,
      data: {
        message,
        context: {
          open_files: [...new Set(open)].slice(0, MOST_OPEN_FILES),
          selection: asked && {
            path: asked.path,
            start_line: asked.startLine,
            end_line: asked.endLine,
            text: asked.text,
          },
        },
      },
    };
  }

  #open(sessionId: string): void {
    this.session = follow(sessionId);
    untrack(() => {
      void this.reload();
      void this.#readRatings(sessionId);
    });
  }

  async #try(action: () => Promise<unknown>): Promise<boolean> {
    this.problem = '';
    try {
      await action();
      return true;
    } catch (error) {
      this.problem = explain(error);
      return false;
    }
  }

  #outgoing(text: string): Outgoing {
    this.#next += 1;
    return { id: this.#next, text, sending: false };
  }

  #place(sessionId: string | null): string {
    return sessionId ?? `new.${this.workspaceId}`;
  }
}
