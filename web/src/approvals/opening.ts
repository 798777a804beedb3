import { api, ok } from '../api/client';
import { router } from '../routes/router.svelte';
import { addressOf } from '../routes/routes';
import { nameOf } from '../ui/paths';
import { layout } from '../workbench/layout.svelte';
import { tabs } from '../workbench/tabs.svelte';
import { t } from './messages';
import { targetOf } from './reading';
import { waiting, type Approval } from './waiting.svelte';

/** What a tab of the kind `review` is about. */
export interface ReviewSubject {
  approvalId: string;
  sessionId: string;
  callId: string;
}

/** Opens the review of a changed file in the editor area. */
export function openReview(approval: Approval): void {
  const path = targetOf(approval);
  const data: ReviewSubject = {
    approvalId: approval.id,
    sessionId: approval.session_id,
    callId: approval.call_id,
  };
  const title = `${t('review')}: ${nameOf(path)}`;
  tabs.open({ id: `review:${approval.session_id}:${approval.call_id}`, kind: 'review', title, data });
  layout.showEditor();
}

/** Goes to the session of an approval, in its own workspace. */
export async function goToSession(sessionId: string): Promise<void> {
  const params = { path: { session_id: sessionId } };
  const session = await ok(api.GET('/api/v1/sessions/{session_id}', { params }));
  router.go(addressOf(session.workspace_id, sessionId));
  layout.showAssistant(true);
}

/** Moves the focus to the next card, from one session to the next; it decides nothing. */
export async function goToNext(): Promise<void> {
  const all = waiting.all;
  if (all.length === 0) return;
  const focused = document.activeElement?.closest<HTMLElement>('[data-approval]')?.dataset.approval;
  const index = all.findIndex((one) => one.approval_id === focused);
  const next = all[(index + 1) % all.length];
  if (!next) return;
  if (focusCard(next.approval_id)) return;
  await goToSession(next.session_id);
  chosen.set(next.session_id, next.approval_id);
  document.dispatchEvent(new CustomEvent(CHOSEN, { detail: next.approval_id }));
  await appears(next.approval_id);
}

/** Tells docks which of a session's approvals was asked for. */
export const CHOSEN = 'codelab-approval-chosen';
const chosen = new Map<string, string>();

/** Which of a session's approvals was asked for last, if one was. */
export function chosenIn(sessionId: string): string | undefined {
  return chosen.get(sessionId);
}

const PATIENCE_MS = 5000;

async function appears(id: string): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until && !focusCard(id)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function focusCard(id: string): boolean {
  const cards = [...document.querySelectorAll<HTMLElement>(`[data-approval="${CSS.escape(id)}"]`)];
  const card = cards.find((each) => each.checkVisibility());
  card?.focus();
  return card !== undefined;
}
