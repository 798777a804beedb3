import { api, ok } from '../api/client';
import type { components } from '../api/rest';
import { workspace } from '../workbench/workspace.svelte';
import type { Loaded } from './tree';

const PAGE = 1000;

export type FolderSummary = components['schemas']['FolderSummary'];

/** Fetches a page of a folder. */
export async function fetchPage(path: string, after: string | null): Promise<Loaded> {
  const query = { path, limit: PAGE, ...(after === null ? {} : { after }) };
  const params = { path: { workspace_id: workspace.id }, query };
  const page = await ok(api.GET('/api/v1/workspaces/{workspace_id}/children', { params }));
  return { entries: page.entries, cursor: page.cursor ?? null, cut: page.truncated };
}

/** Makes an empty file where there is none. */
export async function createFile(path: string): Promise<void> {
  const params = { path: at(path) };
  const headers = { 'If-None-Match': '*' };
  await ok(
    api.PUT('/api/v1/workspaces/{workspace_id}/files/{file_path}', { params, headers, body: { content: '' } }),
  );
}

/** Makes a folder. */
export async function createFolder(path: string): Promise<void> {
  await ok(api.POST('/api/v1/workspaces/{workspace_id}/folders/{file_path}', { params: { path: at(path) } }));
}

/** Gives something another name or place. */
export async function move(from: string, to: string): Promise<void> {
  const params = { path: { workspace_id: workspace.id } };
  await ok(api.POST('/api/v1/workspaces/{workspace_id}/moves', { params, body: { from, to } }));
}

/** Deletes a file. */
export async function deleteFile(path: string): Promise<void> {
  await ok(api.DELETE('/api/v1/workspaces/{workspace_id}/files/{file_path}', { params: { path: at(path) } }));
}

/** Deletes a folder and all that is in it. */
export async function deleteFolder(path: string): Promise<void> {
  const params = { path: at(path), query: { recursive: true } };
  await ok(api.DELETE('/api/v1/workspaces/{workspace_id}/folders/{file_path}', { params }));
}

/** Counts what a folder holds. */
export async function summarise(path: string): Promise<FolderSummary> {
  const params = { path: at(path) };
  return await ok(api.GET('/api/v1/workspaces/{workspace_id}/folders/{file_path}', { params }));
}

function at(path: string): { workspace_id: string; file_path: string } {
  return { workspace_id: workspace.id, file_path: path };
}
