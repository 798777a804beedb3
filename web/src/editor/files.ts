import { api, ok } from '../api/client';
import { ApiProblem } from '../api/problem';
import type { components } from '../api/rest';
import type { Disk } from './document';

/** A text file as the server reads it. */
export type FileText = components['schemas']['FileText'];

/** A problem of a text; line and column from 1, columns count whole characters. */
export type Problem = components['schemas']['CodeProblem'];

/** What was found in a text; an empty language says that it was not checked. */
export type Checked = components['schemas']['Checked'];

/** Tells whether a file was not saved because somebody else changed it. */
export function isChanged(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'file_changed';
}

/**
 * Reads a text file.
 *
 * @throws ApiProblem `file_not_found`, `not_text`, `file_too_large` and what else may be.
 */
export async function readFile(workspaceId: string, path: string): Promise<FileText> {
  const params = { path: { workspace_id: workspaceId, file_path: path } };
  return await ok(api.GET('/api/v1/workspaces/{workspace_id}/files/{file_path}', { params }));
}

/** Reads what is on the disk now; a file that is gone is no error. */
export async function lookAt(workspaceId: string, path: string): Promise<Disk | 'gone'> {
  try {
    const { content, hash } = await readFile(workspaceId, path);
    return { text: content, hash };
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'file_not_found') return 'gone';
    throw error;
  }
}

/**
 * Saves a text file.
 *
 * @param expected Hash that the file must have; empty: there must be none.
 * @returns The hash that it has now.
 * @throws ApiProblem `file_changed` when it has another one, and what else may be.
 */
export async function writeFile(
  workspaceId: string,
  path: string,
  content: string,
  expected: string,
): Promise<string> {
  const params = { path: { workspace_id: workspaceId, file_path: path } };
  const headers: HeadersInit = expected === '' ? { 'If-None-Match': '*' } : { 'If-Match': `"${expected}"` };
  const body = { content };
  const written = await ok(
    api.PUT('/api/v1/workspaces/{workspace_id}/files/{file_path}', { params, headers, body }),
  );
  return written.hash;
}

/** Finds the problems of a text, whether it has been saved or not. */
export async function checkText(workspaceId: string, path: string, content: string): Promise<Checked> {
  const params = { path: { workspace_id: workspaceId } };
  const body = { path, content };
  return await ok(api.POST('/api/v1/workspaces/{workspace_id}/problems', { params, body }));
}

/** Fetches a file's bytes, such as those of an image. */
export async function readBytes(workspaceId: string, path: string): Promise<Blob> {
  const params = { path: { workspace_id: workspaceId, file_path: path } };
  return await ok(
    api.GET('/api/v1/workspaces/{workspace_id}/raw/{file_path}', { params, parseAs: 'blob' }),
  );
}
