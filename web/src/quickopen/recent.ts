const KEPT = 'codelab.recent.';
const MOST = 30;

/** The files that were opened lately in a workspace, the last one first. */
export function recentFiles(workspaceId: string): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT + workspaceId) ?? '[]');
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** Remembers that a file was opened. */
export function remember(workspaceId: string, path: string): void {
  const others = recentFiles(workspaceId).filter((one) => one !== path);
  localStorage.setItem(KEPT + workspaceId, JSON.stringify([path, ...others].slice(0, MOST)));
}
