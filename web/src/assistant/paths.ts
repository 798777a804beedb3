import { authorised } from '../api/client';

/** A file or a folder that a mention may name. */
export interface FoundPath {
  path: string;
  kind: 'file' | 'folder';
}

function read(one: unknown): FoundPath[] {
  if (typeof one === 'string') return [{ path: one, kind: 'file' }];
  if (typeof one !== 'object' || one === null || !('path' in one) || typeof one.path !== 'string') return [];
  const isFolder = 'kind' in one && (one.kind === 'folder' || one.kind === 'directory');
  return [{ path: one.path, kind: isFolder ? 'folder' : 'file' }];
}

/** Finds files and folders by parts of their paths, the best first. */
export async function findPaths(workspaceId: string, query: string, signal: AbortSignal): Promise<FoundPath[]> {
  const url = new URL(`/api/v1/workspaces/${encodeURIComponent(workspaceId)}/files`, window.location.origin);
  url.searchParams.set('query', query);
  const response = await authorised(new Request(url, { signal }));
  if (!response.ok) return [];
  const body = (await response.json()) as unknown;
  const list = Array.isArray(body) ? body : Object.values(body as object).find((value) => Array.isArray(value));
  return Array.isArray(list) ? list.flatMap(read) : [];
}
