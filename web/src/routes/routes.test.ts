import { describe, expect, it } from 'vitest';

import { addressOf, match } from './routes';

describe('routes', () => {
  it('reads back what it writes', () => {
    expect(match(addressOf('w1'))).toMatchObject({ page: 'workbench', workspaceId: 'w1', sessionId: null });
    expect(match(addressOf('w1', 's_2'))).toMatchObject({ workspaceId: 'w1', sessionId: 's_2' });
    expect(match('/admin/usage')).toMatchObject({ page: 'admin', section: 'usage' });
    expect(match('/settings')).toMatchObject({ page: 'settings', section: '' });
  });

  it('leaves the server its own addresses', () => {
    for (const path of ['/docs', '/api/v1/auth/me', '/w/', '/w/a/b', '/admin/../x', '/health']) {
      expect(match(path).ours).toBe(false);
    }
  });
});
