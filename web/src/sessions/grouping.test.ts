import { describe, expect, it } from 'vitest';

import { fileName, periodOf, replaced, rowsOf, type SessionView } from './grouping';

const NOW = new Date(2026, 2, 10, 0, 30);
const at = (day: number, hour = 12) => new Date(2026, 2, day, hour).toISOString();

function session(id: string, last_activity_at: string): SessionView {
  return { id, title: id, last_activity_at } as SessionView;
}

describe('the list of sessions', () => {
  it('names near days, and months beyond them', () => {
    expect(periodOf(at(10, 0), NOW).id).toBe('today');
    expect(periodOf(at(9, 23), NOW).id).toBe('yesterday');
    expect(periodOf(at(4), NOW).id).toBe('week');
    expect(periodOf(at(3), NOW)).toEqual({ id: 'month', month: '2026-03' });
    // A clock that is ahead makes nothing of tomorrow.
    expect(periodOf(at(12), NOW).id).toBe('today');
  });

  it('puts the last active first, each part under its heading', () => {
    const rows = rowsOf([session('old', at(2)), session('new', at(10, 0)), session('older', at(1))], NOW);
    expect(rows.map((row) => row.key)).toEqual(['today', 'new', '2026-03', 'old', 'older']);
    expect(rowsOf([], NOW)).toEqual([]);
  });

  it('keeps one of each', () => {
    const changed = { ...session('a', at(1)), title: 'changed' };
    expect(replaced([session('a', at(1)), session('b', at(2))], changed)).toHaveLength(2);
  });

  it('makes file names that every system takes', () => {
    expect(fileName('Почему /etc? <b>', 'md')).toBe('Почему-etc-b.md');
    expect(fileName('../..', 'json')).toBe('session.json');
    expect(fileName('x'.repeat(100), 'md')).toHaveLength(63);
  });
});
