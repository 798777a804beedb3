// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';

import { keep } from '../api/tokens';
import { workspace } from '../workbench/workspace.svelte';
import { explorer } from './explorer.svelte';

const changed = { workspace_id: 'w', paths: [], folders: ['.', 'src'], more: false, git: false, watching: true, reason: '' };
const away = { status: 503, body: { code: 'unavailable', detail: 'Not now.' } };
const gone = { status: 404, body: { code: 'file_not_found', detail: 'It is gone.' } };

function folder(...folders: string[]) {
  const entries = folders.map((path) => ({ name: path, path, kind: 'folder', size: 0, is_link: false, is_ignored: false, can_open: true }));
  return { status: 200, body: { entries, cursor: null, truncated: false } };
}

function shown(): string[] {
  return [...explorer.folders.values()].flatMap(({ entries }) => entries.map((entry) => entry.path));
}

describe('the explorer', () => {
  it('shows what it has while the server is away, and what there is once it is back', async () => {
    let answer: { status: number; body: object } = away;
    const asked = vi.fn(() => Promise.resolve(Response.json(answer.body, { status: answer.status })));
    vi.stubGlobal('fetch', asked);
    keep({ access_token: 'a', refresh_token: 'r', expires_in: 900 });
    workspace.current = { id: 'w' } as typeof workspace.current;

    explorer.open();
    await vi.waitFor(() => expect(explorer.problem).toBe('Not now.'));
    answer = folder('src');
    explorer.hear({ ...changed, more: true });
    await vi.waitFor(() => expect([shown(), explorer.problem]).toEqual([['src'], '']));
    answer = folder();
    explorer.toggle('src');
    await vi.waitFor(() => expect(explorer.folders.has('src')).toBe(true));

    answer = away;
    asked.mockClear();
    explorer.hear(changed);
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
    // The answers have to arrive before one can say that they changed nothing.
    await new Promise((resolve) => setTimeout(resolve));
    expect([shown(), [...explorer.expanded], explorer.problem]).toEqual([['src'], ['src'], '']);

    answer = gone;
    explorer.hear({ ...changed, folders: ['src'] });
    await vi.waitFor(() => expect([...explorer.expanded]).toEqual([]));
    vi.unstubAllGlobals();
  });

  it('leaves whoever went on alone when what was made is there at last', async () => {
    let made!: () => void;
    const waiting = new Promise<void>((resolve) => (made = resolve));
    const asked = vi.fn(async () => {
      await waiting;
      return Response.json(folder('lib').body);
    });
    vi.stubGlobal('fetch', asked);
    for (const next of ['README.md', null]) {
      explorer.activeId = null;
      explorer.begin('', true);
      const finished = explorer.finish('lib');
      if (next !== null) explorer.activeId = next;
      made();
      await finished;
      expect(explorer.activeId).toBe(next ?? 'lib');
    }
    vi.unstubAllGlobals();
  });
});
