import { ApiProblem, Unreachable } from '../api/problem';
import { t } from './messages';

/** Says in one sentence what went wrong, for whoever reads it on the screen. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable) return t('unreachable');
  if (error instanceof ApiProblem) return error.detail;
  return t('unexpected', { detail: error instanceof Error ? error.message : String(error) });
}
