import createClient, { defaultPathSerializer } from 'openapi-fetch';

import { Unreachable, problemOf } from './problem';
import type { paths } from './rest';
import { accessToken, renew } from './tokens';

/** A connection that swallows everything would hold a request for as long as the browser does. */
const PATIENCE_MS = 120_000;

/** Sends a request in the user's name; a refused token is renewed once. */
export async function authorised(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await accessToken();
  const response = await send(request, token);
  if (response.status !== 401 || token === null) return response;
  const renewed = await renew(token);
  return renewed === null ? response : send(again, renewed);
}

async function send(request: Request, token: string | null): Promise<Response> {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  try {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]);
    return await fetch(request, { signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Unreachable(error);
  }
}

/** The REST interface with the paths and types of the server's own description. */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: authorised,
  pathSerializer: addressed,
});

/** Writes parameters into an address. */
export function addressed(path: string, params: Record<string, unknown>): string {
  // A browser would go up in the address and ask for something else; so the server refuses it.
  const named = Object.entries(params).map(([name, value]) => [name, value === '..' ? '%2E%2E' : value]);
  return defaultPathSerializer(path, Object.fromEntries(named));
}

/**
 * Returns an answer's content.
 *
 * @throws ApiProblem when the server refused.
 * @throws Unreachable when it did not answer.
 */
export async function ok<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemOf(response, error);
  return data as T;
}
