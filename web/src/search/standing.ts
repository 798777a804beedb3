import { formatNumber } from '../i18n/format';
import { ofServer } from '../i18n/server.svelte';
import type { IndexStatus } from './asking';
import { t } from './messages';

/** Whether an index, or its vectors, will soon be further than they are. */
export function isMoving({ state, vectors }: IndexStatus): boolean {
  return ['none', 'indexing'].includes(state) || vectors?.state === 'working';
}

/** Whether only its vectors are still to come; where there is nothing to read, that lasts. */
export function isWaiting(status: IndexStatus): boolean {
  return !isMoving(status) && status.vectors?.state === 'waiting';
}

/** Whether an index was ever found to be whole. */
export function isMade({ compared_at: at }: IndexStatus): boolean {
  return at > 0;
}

/** Says in one line what is to be known of an index that is not as it should be; else nothing. */
export function standingOf(status: IndexStatus): string {
  const { state, done, of, note } = status;
  if (state === 'off') return t('indexOff');
  if (state === 'failed') return t('indexFailed', { reason: ofServer(note) });
  if (state !== 'indexing' && state !== 'none') return '';
  if (of > 0) return t(isMade(status) ? 'indexFollows' : 'indexing', { done: formatNumber(done), of: formatNumber(of) });
  return isMade(status) ? '' : t('indexBegins');
}

/** Says in one line what a search by description lacks; else nothing. */
export function lackOf(status: IndexStatus): string {
  if (!isMade(status) || status.state === 'failed') return standingOf(status);
  return status.vectors?.state === 'off' ? t('vectorsOff', { reason: ofServer(status.vectors.note ?? '') }) : '';
}
