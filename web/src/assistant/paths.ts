import { api } from '../api/client';

const MOST_FOLDERS = 3;

/** Finds the folders on the way to files whose own path fits what was typed. */
export function foldersIn(paths: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const found = new Set<string>();
  for (const path of paths) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end + 1);
      if (folder.toLowerCase().includes(wanted)) found.add(folder);
    }
  }
  return [...found].toSorted((a, b) => a.length - b.length).slice(0, MOST_FOLDERS);
}

/** Finds files by parts of their paths, the best first, and folders that fit as well. */
export async function findPaths(workspaceId: string, query: string, signal: AbortSignal): Promise<string[]> {
  const params = { path: { workspace_id: workspaceId }, query: { query } };
  const { data } = await api.GET('/api/v1/workspaces/{workspace_id}/files', { params, signal });
  const paths = data?.paths ?? [];
  return query === '' ? paths : [...foldersIn(paths, query), ...paths];
}
