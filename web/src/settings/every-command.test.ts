// @vitest-environment happy-dom
import { expect, it } from 'vitest';

import type { CommandEntry } from '../keys/commands.svelte';
import { everyCommand } from './every-command';

const features = import.meta.glob<Record<string, Record<string, CommandEntry>>>('../*/keys.ts', { eager: true });

it('lists the commands of every feature, each once, with keys that are free', () => {
  const ids = everyCommand().map((command) => command.id);
  const declared = Object.values(features).flatMap((feature) => Object.values(feature).flatMap((keys) => Object.values(keys)));
  expect(ids).toEqual(expect.arrayContaining(declared.map((command) => command.id)));
  const keys = everyCommand().flatMap((command) => command.keys ?? []);
  expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
});
