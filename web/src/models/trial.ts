import { api, ok } from '../api/client';
import type { components } from '../api/rest';
import { formatDuration } from '../i18n/format';
import { ofServer } from '../i18n/server.svelte';
import { t } from './messages';

export type Trial = components['schemas']['Trial'];

const ADVICE = {
  model_auth_failed: 'failedKey',
  model_unreachable: 'failedUnreachable',
  model_address_refused: 'failedUnreachable',
  model_missing: 'failedMissing',
  model_quota_exhausted: 'failedQuota',
} as const;

/** Asks a model one short question. */
export async function tryOut(name: string): Promise<Trial> {
  // A model of the file may have strokes in its name, which belong to the address.
  const path = `/api/v1/admin/models/${name.split('/').map((part) => encodeURIComponent(part)).join('/')}/test`;
  return ok(api.POST(path as '/api/v1/admin/models/{name}/test', { params: { path: { name } } }));
}

/** Says in plain words what came of it. */
export function outcome(trial: Trial): string {
  const time = formatDuration(trial.latency_ms);
  if (trial.ok) {
    const first = trial.first_token_ms ?? null;
    return first === null ? t('answered', { time }) : t('answeredFirst', { time, first: formatDuration(first) });
  }
  const advice = ADVICE[trial.code as keyof typeof ADVICE];
  return advice ? `${t(advice)} (${trial.message})` : t('failedOther', { detail: ofServer(trial.message) });
}
