import { expect, it } from 'vitest';

import { scrollFor, spanOf } from './window';

it('keeps few rows in the page, however many there are', () => {
  expect(spanOf(0, 600, 24, 100_000)).toEqual({ first: 0, end: 35 });
  const middle = spanOf(1_200_000, 600, 24, 100_000);
  expect(middle.first).toBe(50_000 - 10);
  expect(middle.end - middle.first).toBeLessThan(50);
  expect(spanOf(5000, 600, 24, 3)).toEqual({ first: 2, end: 3 });
  expect(spanOf(0, 600, 24, 0)).toEqual({ first: 0, end: 0 });
});

it('scrolls as little as it must', () => {
  expect(scrollFor(10, 0, 600, 24)).toBe(0);
  expect(scrollFor(30, 0, 600, 24)).toBe(31 * 24 - 600);
  expect(scrollFor(3, 600, 600, 24)).toBe(72);
});
