import { api, ok } from '../api/client';
import { ApiProblem } from '../api/problem';
import type { components } from '../api/rest';
import { toasts } from '../ui/toasts.svelte';
import { t } from './messages';
import { waiting } from './waiting.svelte';

type Edited = Record<string, unknown>;
export type ReviewedFile = components['schemas']['ReviewedFile'];

const ANSWERED = new Set(['already_answered', 'approval_not_found', 'session_not_found']);

/**
 * Approves a call, as it was shown or with other parameters.
 *
 * @throws ApiProblem when the edited call cannot work; then it still waits.
 */
export async function approve(
  id: string,
  { parameters = null, always = false }: { parameters?: Edited | null; always?: boolean } = {},
): Promise<void> {
  const params = { path: { approval_id: id } };
  const body = { always, feedback: '', parameters };
  await settled(id, () => ok(api.PUT('/api/v1/hitl/requests/{approval_id}/approve', { params, body })));
}

/** Rejects a call; the agent is told why. */
export async function reject(id: string, feedback: string): Promise<void> {
  const params = { path: { approval_id: id } };
  const body = { feedback };
  await settled(id, () => ok(api.PUT('/api/v1/hitl/requests/{approval_id}/reject', { params, body })));
}

/** Reads a file before and after a call, whole. */
export function reviewOf(id: string): Promise<ReviewedFile> {
  const params = { path: { approval_id: id } };
  return ok(api.GET('/api/v1/hitl/requests/{approval_id}/review', { params }));
}

/**
 * Approves a call so that it writes exactly a text over exactly what was reviewed.
 *
 * @throws ApiProblem `approval_stale` when the file is something else by now; then it still waits.
 */
export async function approveText(id: string, text: string, beforeHash: string): Promise<void> {
  const params = { path: { approval_id: id } };
  const body = { text, before_hash: beforeHash, feedback: '' };
  await ok(api.PUT('/api/v1/hitl/requests/{approval_id}/review', { params, body }));
  waiting.gone(id);
}

async function settled(id: string, answer: () => Promise<unknown>): Promise<void> {
  try {
    await answer();
  } catch (error) {
    const note = error instanceof ApiProblem ? noteOf(error.code) : null;
    if (note === null) throw error;
    toasts.show(note);
  }
  waiting.gone(id);
}

/** What to say of an answer that came too late; none where the request still waits. */
export function noteOf(code: string): string | null {
  if (code === 'approval_stale') return t('changedAsksAgain');
  if (code === 'approval_expired') return t('expired');
  return ANSWERED.has(code) ? t('answeredElsewhere') : null;
}
