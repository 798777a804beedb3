import { describe, expect, it } from 'vitest';

import { everyNth, ticks } from './scale';
import { byDay, share, sinceOf, valueOf, type UsageSum } from './series';

const SUM: UsageSum = {
  key: '2026-02-28',
  calls: 3,
  failed_calls: 0,
  calls_from_cache: 0,
  input_tokens: 100,
  output_tokens: 20,
  cached_tokens: 50,
  cache_write_tokens: 0,
  cost_usd: 0.5,
  estimated: false,
};

describe('usage', () => {
  it('has a value for each day, also over the end of a month', () => {
    expect(byDay([SUM], 'cost', '2026-02-27', '2026-03-01')).toEqual([
      { key: '2026-02-27', value: 0 },
      { key: '2026-02-28', value: 0.5 },
      { key: '2026-03-01', value: 0 },
    ]);
  });

  it('ends after a year, whatever is asked for', () => {
    expect(byDay([], 'cost', '0001-01-01', '9999-12-31')).toHaveLength(366);
    expect(byDay([], 'cost', '2026-02-02', '2026-02-01')).toEqual([]);
  });

  it('is measured in money, tokens and calls', () => {
    expect((['cost', 'tokens', 'calls'] as const).map((measure) => valueOf(SUM, measure))).toEqual([0.5, 120, 3]);
  });

  it('counts today among the last days', () => {
    const now = new Date('2026-03-01T23:59:00Z');
    expect([1, 2, 30].map((days) => sinceOf(days, now))).toEqual(['2026-03-01', '2026-02-28', '2026-01-31']);
  });

  it('has no share of nothing', () => {
    expect([share(1, 4), share(0, 0)]).toEqual([25, null]);
  });
});

describe('the lines of a chart', () => {
  it.each([
    [0, [0, 1]],
    [Number.NaN, [0, 1]],
    [0.004, [0, 0.001, 0.002, 0.003, 0.004]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
    [1234, [0, 500, 1000, 1500]],
  ])('for %s are round and reach above it', (largest, lines) => {
    expect(ticks(largest)).toEqual(lines);
  });

  it('leaves labels out where there is no room', () => {
    expect([everyNth(7, 10), everyNth(30, 10), everyNth(31, 10), everyNth(5, 0)]).toEqual([1, 3, 4, 5]);
  });
});
