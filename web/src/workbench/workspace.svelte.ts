import { api, ok } from '../api/client';
import { Newest } from '../api/newest';
import type { components } from '../api/rest';
import { storage } from '../browser/storage';

export type WorkspaceRecord = components['schemas']['WorkspaceRecord'];

const LAST = 'codelab.workspace';

class Workspace {
  /** The workspace that is open, or none. */
  current = $state<WorkspaceRecord | null>(null);
  all = $state<WorkspaceRecord[] | null>(null);
  #newest = new Newest();

  /** The id of the open workspace; only for parts that exist while one is open. */
  get id(): string {
    if (!this.current) throw new Error('No workspace is open.');
    return this.current.id;
  }

  /** Reads which workspaces there are. */
  async list(): Promise<WorkspaceRecord[]> {
    this.all = await ok(api.GET('/api/v1/workspaces'));
    return this.all;
  }

  /** Opens a workspace, unless another one is asked for meanwhile. */
  async open(id: string): Promise<void> {
    const signal = this.#newest.ask();
    if (this.current?.id === id) return;
    try {
      const params = { path: { workspace_id: id } };
      this.current = await ok(api.GET('/api/v1/workspaces/{workspace_id}', { params, signal }));
      storage.setItem(LAST, id);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The workspace to begin with: the last one, or the only one. */
  async first(): Promise<WorkspaceRecord | null> {
    const all = await this.list();
    const last = all.find((each) => each.id === storage.getItem(LAST));
    return last ?? (all.length === 1 ? (all[0] ?? null) : null);
  }
}

/** The project folder that this tab works on. */
export const workspace = new Workspace();
