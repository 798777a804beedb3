import { authorised } from '../api/client';
import { ApiProblem, problemOf } from '../api/problem';
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
  return (await (await ask('GET', workspaceId, `files/${encoded(path)}`)).json()) as FileText;
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
  const condition: Record<string, string> =
    expected === '' ? { 'if-none-match': '*' } : { 'if-match': `"${expected}"` };
  const answer = await ask('PUT', workspaceId, `files/${encoded(path)}`, { content }, condition);
  return ((await answer.json()) as { hash: string }).hash;
}

/** Finds the problems of a text, whether it has been saved or not. */
export async function checkText(workspaceId: string, path: string, content: string): Promise<Checked> {
  return (await (await ask('POST', workspaceId, 'problems', { path, content })).json()) as Checked;
}

/** Fetches a file's bytes, such as those of an image. */
export async function readBytes(workspaceId: string, path: string): Promise<Blob> {
  return (await ask('GET', workspaceId, `raw/${encoded(path)}`)).blob();
}

async function ask(
  method: string,
  workspaceId: string,
  rest: string,
  body?: unknown,
  condition: Record<string, string> = {},
): Promise<Response> {
  const url = new URL(`/api/v1/workspaces/${workspaceId}/${rest}`, window.location.origin);
  const headers = new Headers(condition);
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(body);
  }
  const response = await authorised(new Request(url, init));
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  return response;
}

/** Writes a path into an address. */
export function encoded(path: string): string {
  // A browser would go up in the address and ask for something else; so the server refuses it.
  return path.split('/').map((name) => encodeURIComponent(name === '..' ? '%2E%2E' : name)).join('/');
}
