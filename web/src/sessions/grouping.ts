import type { components } from '../api/rest';

export type SessionView = components['schemas']['SessionView'];

/** A part of the list: a few near days by their names, the others by their months. */
export type Period = { id: 'today' | 'yesterday' | 'week' } | { id: 'month'; month: string };

/** A row of the list. */
export type SessionRow =
  | { kind: 'heading'; key: string; period: Period }
  | { kind: 'session'; key: string; session: SessionView; excerpt: string };

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;

/** Says into which part of the list a moment belongs, by the days of whoever looks. */
export function periodOf(at: string, now: Date): Period {
  const then = new Date(at);
  const days = Math.round((midnight(now) - midnight(then)) / DAY_MS);
  if (days <= 0) return { id: 'today' };
  if (days === 1) return { id: 'yesterday' };
  if (days < WEEK_DAYS) return { id: 'week' };
  return { id: 'month', month: `${then.getFullYear()}-${String(then.getMonth() + 1).padStart(2, '0')}` };
}

/** Lists sessions, the last active first, with a heading for each part. */
export function rowsOf(
  sessions: readonly SessionView[],
  now: Date,
  excerpts: ReadonlyMap<string, string> = new Map(),
): SessionRow[] {
  const rows: SessionRow[] = [];
  let before = '';
  for (const session of sessions.toSorted((a, b) => (a.last_activity_at < b.last_activity_at ? 1 : -1))) {
    const period = periodOf(session.last_activity_at, now);
    const key = period.id === 'month' ? period.month : period.id;
    if (key !== before) rows.push({ kind: 'heading', key, period });
    before = key;
    rows.push({ kind: 'session', key: session.id, session, excerpt: excerpts.get(session.id) ?? '' });
  }
  return rows;
}

/** Puts a session into a list in place of what was known of it. */
export function replaced(sessions: readonly SessionView[], changed: SessionView): SessionView[] {
  const others = sessions.filter((each) => each.id !== changed.id);
  return [...others, changed];
}

/** Makes a name for a file out of a title. */
export function fileName(title: string, ending: string): string {
  const plain = title
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${plain || 'session'}.${ending}`;
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
