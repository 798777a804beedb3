/** A page of the application; `ours` is false for addresses that it has no page for. */
export type Route =
  | { page: 'start'; ours: true }
  | { page: 'setup'; ours: true }
  | { page: 'workspaces'; ours: true }
  | { page: 'workbench'; ours: true; workspaceId: string; sessionId: string | null }
  | { page: 'settings'; ours: true; section: string }
  | { page: 'admin'; ours: true; section: string }
  | { page: 'nowhere'; ours: false };

const ID = '([0-9A-Za-z_-]+)';
const WORKBENCH = new RegExp(`^/w/${ID}(?:/s/${ID})?/?$`);
const SECTION = /^\/(settings|admin)(?:\/([a-z-]+))?\/?$/;

/** Says which page an address shows. */
export function match(path: string): Route {
  if (path === '/') return { page: 'start', ours: true };
  if (path === '/setup') return { page: 'setup', ours: true };
  if (path === '/workspaces') return { page: 'workspaces', ours: true };
  const workbench = WORKBENCH.exec(path);
  if (workbench) {
    return { page: 'workbench', ours: true, workspaceId: workbench[1] ?? '', sessionId: workbench[2] ?? null };
  }
  const section = SECTION.exec(path);
  if (section) return { page: section[1] as 'settings' | 'admin', ours: true, section: section[2] ?? '' };
  return { page: 'nowhere', ours: false };
}

/** The address of a workspace, or of a session in it. */
export function addressOf(workspaceId: string, sessionId: string | null = null): string {
  return sessionId === null ? `/w/${workspaceId}` : `/w/${workspaceId}/s/${sessionId}`;
}
