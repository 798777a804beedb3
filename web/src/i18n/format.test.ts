// @vitest-environment happy-dom
import { expect, it } from 'vitest';

import { formatBytes } from './format';

it('writes sizes for people', () => {
  expect([0, 1, 999, 1000, 1_500_000, 2e12].map((bytes) => formatBytes(bytes))).toEqual([
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1 kB',
    '1.5 MB',
    '2,000 GB',
  ]);
});
