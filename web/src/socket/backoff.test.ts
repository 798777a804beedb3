import { describe, expect, it } from 'vitest';

import { backoff } from './backoff';

describe('backoff', () => {
  it('doubles up to fifteen seconds and spreads clients over half of it', () => {
    expect(backoff(0, 0)).toBe(250);
    expect(backoff(0, 0.999)).toBeLessThan(500);
    expect(backoff(3, 0)).toBe(2000);
    expect(backoff(1000, 0.999)).toBeLessThanOrEqual(15_000);
    for (let tries = 0; tries < 20; tries += 1) {
      expect(backoff(tries + 1, 0.5)).toBeGreaterThanOrEqual(backoff(tries, 0.5));
    }
  });
});
