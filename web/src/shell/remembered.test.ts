import { expect, it } from 'vitest';

import type { Tab } from '../workbench/tabs.svelte';
import { readTabs, writtenTabs } from './remembered';

const FILE: Tab = { id: 'file:a.py', kind: 'file', title: 'a.py', path: 'a.py', preview: false };

it('remembers the files that were open, in their order', () => {
  const diff: Tab = { id: 'diff:1', kind: 'diff', title: 'a.py', data: { before: 'x' } };
  const other: Tab = { ...FILE, id: 'file:b.py', path: 'b.py', preview: true };
  expect(readTabs(writtenTabs([other, diff, FILE], FILE.id))).toEqual({ all: [other, FILE], activeId: FILE.id });
  expect(readTabs(writtenTabs([diff], 'diff:1'))).toEqual({ all: [], activeId: null });
});

it('reads no nonsense', () => {
  for (const text of [null, '', '{', 'null', '[]', '{"all":[null,1,{"id":"x"}]}', '{"all":{}}']) {
    expect(readTabs(text), String(text)).toEqual({ all: [], activeId: null });
  }
});
