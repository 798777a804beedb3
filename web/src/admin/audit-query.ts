/** What the address says of the entries that are wanted. */
export const FILTERS = ['user', 'action', 'resource_type', 'resource', 'session', 'from', 'to'] as const;

export type AuditFilters = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;

/** Turns what was chosen into the server's query: days, as the user's clock has them, become moments. */
export function auditQuery(wanted: AuditFilters): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = (wanted[name] ?? '').trim();
    if (value !== '') query[name] = value;
  }
  const from = momentOf(query.from);
  const to = momentOf(query.to);
  delete query.from;
  delete query.to;
  if (from !== null) query.from = new Date(from).toISOString();
  // The last day counts as a whole; 25 hours reach into the next one also when clocks change.
  if (to !== null) query.to = startOfDay(to + DAY_MS + 3_600_000).toISOString();
  return query;
}

function momentOf(day: string | undefined): number | null {
  if (!day || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const moment = new Date(`${day}T00:00:00`).getTime();
  return Number.isNaN(moment) ? null : moment;
}

function startOfDay(moment: number): Date {
  const day = new Date(moment);
  day.setHours(0, 0, 0, 0);
  return day;
}

/** Writes an entry's details on one line. */
export function detailsOf(details: Readonly<Record<string, string | number | boolean | string[] | null>>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== '' && (!Array.isArray(value) || value.length > 0))
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join(' · ');
}

/** Actions that the log knows, to choose from. */
export const ACTIONS = [
  'auth.signed_in',
  'auth.sign_in_failed',
  'auth.signed_out',
  'auth.refresh_token_reused',
  'auth.user_created',
  'auth.role_changed',
  'auth.user_disabled',
  'auth.user_enabled',
  'auth.password_changed',
  'auth.user_deleted',
  'auth.api_token_created',
  'auth.api_token_deleted',
  'workspace.created',
  'workspace.deleted',
  'file.written',
  'file.deleted',
  'turn.started',
  'turn.closed',
  'tool_call.requested',
  'tool_call.completed',
  'tool.executed',
  'checkpoint.restored',
  'approval.requested',
  'approval.approved',
  'approval.rejected',
  'approval.timed_out',
  'approval.used',
  'policy.applied',
  'rule.added',
  'rule.revoked',
  'model.failed',
  'model.added',
  'model.changed',
  'model.removed',
  'audit.attested',
] as const;

/** Kinds of things that entries are about. */
export const RESOURCE_TYPES = [
  'user',
  'workspace',
  'turn',
  'tool_call',
  'approval',
  'rule',
  'checkpoint',
  'model',
  'audit_log',
] as const;
