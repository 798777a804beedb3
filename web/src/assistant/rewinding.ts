import { authorised, ok } from '../api/client';

/** Hides from models what was said from a message of the user's on; files stay as they are. */
export async function rewind(sessionId: string, beforeSeq: number): Promise<void> {
  const url = new URL(`/api/v1/sessions/${encodeURIComponent(sessionId)}/rewind`, window.location.origin);
  const request = new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ before_seq: beforeSeq }),
  });
  const response = await authorised(request);
  const error: unknown = response.ok ? null : await response.json().catch(() => null);
  await ok(Promise.resolve({ response, error }));
}
