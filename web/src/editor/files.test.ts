// @vitest-environment happy-dom

import { expect, it } from 'vitest';

import { encoded } from './files';

it('writes a path so that no browser reads another address from it', () => {
  expect(encoded('docs/a b#1?.md')).toBe('docs/a%20b%231%3F.md');
  for (const path of ['../../../auth/me', 'a/../../x.py', '..']) {
    const url = new URL(`/api/v1/workspaces/w1/files/${encoded(path)}`, 'http://localhost');
    expect(url.pathname).toMatch(/^\/api\/v1\/workspaces\/w1\/files\/./);
  }
});
