// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest';

import { keep } from '../api/tokens';
import { workspace } from './workspace.svelte';

it('opens what was asked for last, whichever answer comes first', async () => {
  const answers = new Map<string, (answer: Response) => void>();
  const asked = vi.fn(({ url }: Request, { signal }: { signal: AbortSignal }) => {
    const id = url.split('/').at(-1) ?? '';
    return new Promise<Response>((resolve, reject) => {
      const giveUp = () => reject(new DOMException('Given up.', 'AbortError'));
      answers.set(id, resolve);
      signal.addEventListener('abort', giveUp);
      if (signal.aborted) giveUp();
    });
  });
  vi.stubGlobal('fetch', asked);
  keep({ access_token: 'a', refresh_token: 'r', expires_in: 900 });

  const opening = [workspace.open('slow'), workspace.open('fast')];
  await vi.waitFor(() => expect([...answers.keys()]).toContain('fast'));
  for (const id of ['fast', 'slow']) answers.get(id)?.(Response.json({ id, name: id }));
  await Promise.all(opening);
  expect(workspace.current?.id).toBe('fast');
  vi.unstubAllGlobals();
});
