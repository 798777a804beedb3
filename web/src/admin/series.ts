import type { components } from '../api/rest';

export type UsageSum = components['schemas']['UsageSum'];

/** What is drawn of a usage sum. */
export type Measure = 'cost' | 'tokens' | 'calls';

/** A value of a chart with what it is of. */
export interface Point {
  key: string;
  value: number;
}

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 366;

/** Reads a measure of a sum. */
export function valueOf(sum: UsageSum, measure: Measure): number {
  if (measure === 'cost') return sum.cost_usd;
  return measure === 'calls' ? sum.calls : sum.input_tokens + sum.output_tokens;
}

/** Writes a day as in 2026-01-31, in UTC as the server counts. */
export function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** Returns the first of the last so many days, today being one of them. */
export function sinceOf(days: number, now: Date): string {
  return dayOf(new Date(now.getTime() - (days - 1) * DAY_MS));
}

/** Lists a value for each day of a period, also for those without a call. */
export function byDay(sums: readonly UsageSum[], measure: Measure, since: string, until: string): Point[] {
  const known = new Map(sums.map((sum) => [sum.key, valueOf(sum, measure)]));
  const points: Point[] = [];
  let at = Date.parse(`${since}T00:00:00Z`);
  const end = Date.parse(`${until}T00:00:00Z`);
  for (; at <= end && points.length < LONGEST_DAYS; at += DAY_MS) {
    const key = dayOf(new Date(at));
    points.push({ key, value: known.get(key) ?? 0 });
  }
  return points;
}

/** Returns a part of a whole in percent; none when there is no whole. */
export function share(part: number, whole: number): number | null {
  return whole > 0 ? (100 * part) / whole : null;
}
