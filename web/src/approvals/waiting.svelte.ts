import { SvelteMap } from 'svelte/reactivity';

import { api, ok } from '../api/client';
import type { ApprovalsWaitingData, WaitingApproval } from '../api/frames';
import type { components } from '../api/rest';
import { connection } from '../socket/connection.svelte';

export type Approval = components['schemas']['ApprovalRequest'];
export type CallFacts = components['schemas']['CallFacts'];

type Listener = (arrived: WaitingApproval) => void;

/**
 * What waits for the user, in all sessions, as the server last said it.
 *
 * The server alone decides what is open: an approval that was answered anywhere is gone here.
 */
class Waiting {
  all = $state<readonly WaitingApproval[]>([]);
  count = $state(0);
  /** The requests themselves, as far as they are here yet. */
  requests = new SvelteMap<string, Approval>();
  #listeners = new Set<Listener>();
  #heard = 0;

  constructor() {
    connection.on('hello', () => void this.#read());
    connection.on('approvals_waiting', (frame) => this.#take(frame.data));
  }

  /** What waits in a session, the one that was asked for first at the front. */
  of(sessionId: string): readonly WaitingApproval[] {
    return this.all.filter((one) => one.session_id === sessionId).toSorted(byAge);
  }

  /** Tells of each approval that begins to wait. */
  onArrival(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes an approval away that was just answered here. */
  gone(id: string): void {
    const left = this.all.filter((one) => one.approval_id !== id);
    if (left.length < this.all.length) this.#show(left, this.count - 1);
  }

  /** Forgets everything: somebody else may sign in. */
  clear(): void {
    this.#show([], 0);
  }

  async #read(): Promise<void> {
    const heard = this.#heard;
    try {
      const query = { status: 'pending', limit: 200 } as const;
      const found = await ok(api.GET('/api/v1/hitl/requests', { params: { query } }));
      for (const one of found) this.requests.set(one.id, one);
      // A frame that came meanwhile knows better.
      if (heard === this.#heard) this.#take({ count: found.length, approvals: found.map(entryOf) });
    } catch {
      // The next frame, or the next connection, brings it.
    }
  }

  #take({ count, approvals }: ApprovalsWaitingData): void {
    this.#heard += 1;
    const known = new Set(this.all.map((one) => one.approval_id));
    this.#show(approvals.toSorted(byAge), count);
    for (const one of approvals) {
      if (!this.requests.has(one.approval_id)) void this.#fetch(one.approval_id);
      if (!known.has(one.approval_id)) for (const listener of this.#listeners) listener(one);
    }
  }

  #show(all: readonly WaitingApproval[], count: number): void {
    this.all = all;
    this.count = count;
    const open = new Set(all.map((one) => one.approval_id));
    for (const id of this.requests.keys()) if (!open.has(id)) this.requests.delete(id);
  }

  async #fetch(id: string): Promise<void> {
    try {
      const params = { path: { approval_id: id } };
      const found = await ok(api.GET('/api/v1/hitl/requests/{approval_id}', { params }));
      if (this.all.some((one) => one.approval_id === id)) this.requests.set(id, found);
    } catch {
      // Whoever shows it asks again.
    }
  }

  /** Asks again for a request that is not here yet. */
  retry(id: string): void {
    if (!this.requests.has(id)) void this.#fetch(id);
  }
}

function byAge(one: WaitingApproval, other: WaitingApproval): number {
  return one.created_at.localeCompare(other.created_at) || one.approval_id.localeCompare(other.approval_id);
}

function entryOf(one: Approval): WaitingApproval {
  const { id, session_id, call_id, agent, tool, risk, created_at, expires_at } = one;
  return { approval_id: id, session_id, call_id, agent, tool, risk, created_at, expires_at };
}

/** What waits for the user's answer. */
export const waiting = new Waiting();
