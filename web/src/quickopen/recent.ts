import { storage } from '../browser/storage';

const KEPT = 'codelab.recent.';
const MOST = 30;

/** The files that were opened lately in a workspace, the last one first. */
export function recentFiles(workspaceId: string): string[] {
  const found = storage.json(KEPT + workspaceId);
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
}

/** Remembers that a file was opened. */
export function remember(workspaceId: string, path: string): void {
  const others = recentFiles(workspaceId).filter((one) => one !== path);
  storage.setItem(KEPT + workspaceId, JSON.stringify([path, ...others].slice(0, MOST)));
}
