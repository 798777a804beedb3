import { describe, expect, it } from 'vitest';

import { auditQuery, detailsOf } from './audit-query';

describe('the filters of the audit log', () => {
  it('leave out what is empty or no day', () => {
    expect(auditQuery({ user: ' u1 ', action: '', from: 'yesterday', other: 'x' })).toEqual({ user: 'u1' });
  });

  it('mean whole days of the clock on the wall', () => {
    const { from, to } = auditQuery({ from: '2026-03-29', to: '2026-03-29' });
    expect(new Date(from ?? '').toString()).toContain('Mar 29 2026 00:00:00');
    expect(new Date(to ?? '').toString()).toContain('Mar 30 2026 00:00:00');
  });
});

describe('details', () => {
  it('are one line without what says nothing', () => {
    const details = { name: 'x', empty: '', none: null, list: [], more: ['a', 'b'], ok: false, n: 0 };
    expect(detailsOf(details)).toBe('name: x · more: a, b · ok: false · n: 0');
  });
});
