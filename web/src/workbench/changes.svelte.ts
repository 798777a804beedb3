import type { FilesChanged } from '../api/frames';
import { ofServer } from '../i18n/server.svelte';
import { connection } from '../socket/connection.svelte';
import { explain } from '../ui/explain';

export type Changes = FilesChanged['data'];
type Listener = (changes: Changes) => void;

const AGAIN_MS = 15_000;

/** Changes of the open workspace's files, whoever makes them, as they happen. */
class FileChanges {
  /** Why changes are not told; empty while they are. */
  silence = $state('');
  #listeners = new Set<Listener>();

  /** Listens to changes. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Has the server watch a workspace, now and on every new connection; call it in an effect. */
  follow(workspaceId: string): () => void {
    if (connection.phase !== 'open') return () => undefined;
    const data = { workspace_id: workspaceId };
    let isFirst = true;
    const off = connection.on('files_changed', (frame) => {
      if (frame.data.workspace_id !== workspaceId) return;
      this.silence = frame.data.watching ? '' : ofServer(frame.data.reason);
      // Whatever happened before the watch began was told to nobody.
      this.#tell(isFirst ? { ...frame.data, more: true, git: true } : frame.data);
      isFirst = false;
    });
    // Where changes are not told, a look from time to time has to do.
    const again = setInterval(() => {
      if (this.silence !== '' && !document.hidden) this.#tell(everything(workspaceId, this.silence));
    }, AGAIN_MS);
    connection.send({ type: 'watch', data }).catch((error: unknown) => {
      this.silence = explain(error);
    });
    return () => {
      off();
      clearInterval(again);
      connection.send({ type: 'unwatch', data }).catch(() => undefined);
    };
  }

  #tell(changes: Changes): void {
    for (const listener of this.#listeners) listener(changes);
  }
}

function everything(workspaceId: string, reason: string): Changes {
  return { workspace_id: workspaceId, paths: [], folders: [], more: true, git: true, watching: false, reason };
}

/** Tells of changes in the files of the open workspace. */
export const fileChanges = new FileChanges();
