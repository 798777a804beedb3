import { api, ok } from '../api/client';
import { statusOf, type IndexStatus } from './asking';
import { isMoving, isWaiting } from './standing';

const SOON_MS = 800;
const LATEST_MS = 10_000;

class Indexing {
  /** How far the followed workspace's index is; none until that is known. */
  status = $state.raw<IndexStatus | null>(null);
  #workspaceId = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Follows the index of a workspace for as long as it is being made.
   *
   * @returns What ends it.
   */
  follow(workspaceId: string): () => void {
    this.#workspaceId = workspaceId;
    this.status = null;
    this.look();
    return () => {
      clearTimeout(this.#timer);
      if (this.#workspaceId === workspaceId) this.#workspaceId = '';
    };
  }

  /** Asks now how far it is: something says that it is no longer as it was. */
  look(): void {
    clearTimeout(this.#timer);
    void this.#ask(this.#workspaceId, SOON_MS);
  }

  /** Has the index made anew. */
  async rebuild(): Promise<void> {
    const params = { path: { workspace_id: this.#workspaceId } };
    this.status = await ok(api.POST('/api/v1/workspaces/{workspace_id}/index', { params }));
    this.look();
  }

  async #ask(workspaceId: string, pauseMs: number): Promise<void> {
    if (workspaceId === '') return;
    const status = await statusOf(workspaceId).catch(() => null);
    if (workspaceId !== this.#workspaceId) return;
    this.status = status ?? this.status;
    const isPatient = pauseMs < LATEST_MS;
    if (status && !isMoving(status) && !(isWaiting(status) && isPatient)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(workspaceId, Math.min(LATEST_MS, pauseMs * 1.2)), pauseMs);
  }
}

/** The index of the open workspace. */
export const indexing = new Indexing();
