import { ApiProblem, Unreachable } from '../api/problem';
import { ofServer } from '../i18n/server.svelte';
import { FrameRefused } from '../socket/requests';
import { t } from './messages';

/** Says in one sentence what went wrong, for whoever reads it on the screen. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable) return t('unreachable');
  if (error instanceof ApiProblem) return ofServer(error.detail);
  if (error instanceof FrameRefused) return ofServer(error.data.message);
  return t('unexpected', { detail: error instanceof Error ? error.message : String(error) });
}
