// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';

import { keep } from '../api/tokens';
import { workspace } from '../workbench/workspace.svelte';
import { explorer } from './explorer.svelte';

const away = { code: 'unavailable', detail: 'Not now.' };
const changed = { workspace_id: 'w', paths: [], folders: ['.', 'src'], more: false, git: false, watching: true, reason: '' };

function child(name: string, kind: 'file' | 'folder' = 'file') {
  return { name, path: name, kind, size: 0, is_link: false, is_ignored: false, can_open: true };
}

describe('the explorer', () => {
  it('shows what it has while the server is away, and what there is once it is back', async () => {
    let answer = (): Response => Response.json(away, { status: 503 });
    const asked = vi.fn(() => Promise.resolve(answer()));
    vi.stubGlobal('fetch', asked);
    keep({ access_token: 'a', refresh_token: 'r', expires_in: 900 });
    workspace.current = { id: 'w' } as typeof workspace.current;
    const shown = () => [...explorer.folders.values()].flatMap((folder) => folder.entries.map((entry) => entry.path));

    explorer.open();
    await vi.waitFor(() => expect(explorer.problem).not.toBe(''));
    answer = () => Response.json({ entries: [child('src', 'folder')], cursor: null, truncated: false });
    explorer.hear({ ...changed, more: true });
    await vi.waitFor(() => expect([shown(), explorer.problem]).toEqual([['src'], '']));
    answer = () => Response.json({ entries: [], cursor: null, truncated: false });
    explorer.toggle('src');
    await vi.waitFor(() => expect(explorer.folders.has('src')).toBe(true));

    answer = () => Response.json(away, { status: 503 });
    asked.mockClear();
    explorer.hear(changed);
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
    await new Promise((resolve) => setTimeout(resolve));
    expect([shown(), [...explorer.expanded], explorer.problem]).toEqual([['src'], ['src'], '']);

    answer = () => Response.json({ code: 'folder_not_found' }, { status: 404 });
    explorer.hear({ ...changed, folders: ['src'] });
    await vi.waitFor(() => expect([...explorer.expanded]).toEqual([]));
    vi.unstubAllGlobals();
  });
});
