// @vitest-environment happy-dom

import { expect, it } from 'vitest';

import { addressed } from './client';

it('writes a path so that no browser reads another address from it', () => {
  const files = '/api/v1/workspaces/{workspace_id}/files/{file_path}';
  expect(addressed(files, { workspace_id: 'w1', file_path: 'docs/a b#1?.md' })).toBe(
    '/api/v1/workspaces/w1/files/docs%2Fa%20b%231%3F.md',
  );
  for (const path of ['../../../auth/me', 'a/../../x.py', '..']) {
    const url = new URL(addressed(files, { workspace_id: 'w1', file_path: path }), 'http://localhost');
    expect(url.pathname).toMatch(/^\/api\/v1\/workspaces\/w1\/files\/./);
  }
});
