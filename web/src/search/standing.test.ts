// @vitest-environment happy-dom
import { expect, it } from 'vitest';

import type { IndexStatus } from './asking';
import { isMoving, isWaiting, lackOf, standingOf } from './standing';

const VECTORS = { model: 'static', store: 'sqlite', state: 'complete', done: 9, total: 9, cost_usd: 0, note: '' };
const READY: IndexStatus = { state: 'ready', done: 0, of: 0, compared_at: 1, coverage: null, vectors: VECTORS, note: '' };
const FIRST: IndexStatus = { ...READY, state: 'indexing', done: 120, of: 6000, compared_at: 0 };
const OFF: IndexStatus = { ...READY, vectors: { ...VECTORS, state: 'off' } };

it('says how far the index is, and what a search lacks', () => {
  expect(standingOf(READY)).toBe('');
  expect(standingOf(FIRST)).toBe('The index is being made: 120 of 6,000 files');
  expect(standingOf({ ...FIRST, compared_at: 1 })).toBe('The index takes changes in: 120 of 6,000 files');
  expect(standingOf({ ...FIRST, state: 'none', of: 0 })).toBe('The index is being made');
  expect(standingOf({ ...FIRST, state: 'off', of: 0 })).toContain('No index is made here');
  expect(standingOf({ ...READY, state: 'failed', note: 'full' })).toBe('The index could not be brought up to date: full');
  expect([lackOf(READY), lackOf(FIRST)]).toEqual(['', standingOf(FIRST)]);
  // What changed since the last comparison is looked at file by file: nothing is missing meanwhile.
  expect(lackOf({ ...FIRST, compared_at: 1 })).toBe('');
  expect(lackOf(OFF)).toContain('Search by meaning is off');
});

it('knows when there will be more', () => {
  const working = { ...READY, vectors: { ...VECTORS, state: 'working' } };
  expect([READY, OFF, FIRST, working, { ...FIRST, state: 'off' } as const].map(isMoving)).toEqual([
    false, false, true, true, false,
  ]);
  const waiting = { ...READY, vectors: { ...VECTORS, state: 'waiting' } };
  expect([isMoving(waiting), isWaiting(waiting), isWaiting(FIRST), isWaiting(READY)]).toEqual([false, true, false, false]);
});
