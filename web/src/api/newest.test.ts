import { expect, it } from 'vitest';

import { Newest } from './newest';

it('gives up what was asked before, and nothing else', () => {
  const newest = new Newest();
  const signals = [newest.ask(), newest.ask(), newest.ask()];
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true, false]);
  new Newest().ask();
  expect(signals[2]?.aborted).toBe(false);
});
