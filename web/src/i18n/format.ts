import { language } from './language.svelte';

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

const TIME = { dateStyle: 'medium', timeStyle: 'short' } as const;
// Each takes longer to make than a hundred texts to write with it.
const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function format<Made extends Intl.NumberFormat | Intl.DateTimeFormat, Options>(
  Format: new (language: string, options?: Options) => Made,
  options?: Options,
): Made {
  const key = `${Format.name} ${language.current} ${JSON.stringify(options)}`;
  const made = (formats.get(key) as Made | undefined) ?? new Format(language.current, options);
  formats.set(key, made);
  return made;
}

/** Writes a number with the language's separators. */
export function formatNumber(value: number, options?: Intl.NumberFormatOptions): string {
  return format(Intl.NumberFormat, options).format(value);
}

/** Writes a large count shortly, such as 12.3K. */
export function formatCount(value: number): string {
  return formatNumber(value, { notation: 'compact', maximumFractionDigits: 1 });
}

/** Writes an amount of US dollars; small ones with as many digits as they need. */
export function formatCost(usd: number): string {
  const digits = usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2;
  const options = { style: 'currency', currency: 'USD', minimumFractionDigits: digits } as const;
  return formatNumber(usd, { ...options, maximumFractionDigits: digits });
}

/** Writes a size in bytes with a unit, such as 1.4 MB. */
export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const options = { style: 'unit', unit: units[power], unitDisplay: power ? 'short' : 'long' } as const;
  return formatNumber(bytes / 1000 ** power, { ...options, maximumFractionDigits: power ? 1 : 0 });
}

/** Writes a duration in milliseconds shortly, such as 340 ms, 2.1 s or 3 min. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (ms < 1000) return unit(Math.round(ms), 'millisecond', 0);
  if (seconds < MINUTE_S) return unit(seconds, 'second', 1);
  return unit(seconds / MINUTE_S, 'minute', 0);
}

/** Writes a moment as date and time. */
export function formatTime(at: string | number | Date): string {
  return format(Intl.DateTimeFormat, TIME).format(new Date(at));
}

/** Writes how long ago a moment was, such as "5 minutes ago". */
export function formatAgo(at: string | number | Date, now: number = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const ago = new Intl.RelativeTimeFormat(language.current, { numeric: 'auto' });
  const distance = Math.abs(seconds);
  if (distance < MINUTE_S) return ago.format(Math.round(seconds), 'second');
  if (distance < HOUR_S) return ago.format(Math.round(seconds / MINUTE_S), 'minute');
  if (distance < DAY_S) return ago.format(Math.round(seconds / HOUR_S), 'hour');
  return ago.format(Math.round(seconds / DAY_S), 'day');
}

function unit(value: number, name: string, digits: number): string {
  const options = { style: 'unit', unit: name, unitDisplay: 'short' } as const;
  return formatNumber(value, { ...options, maximumFractionDigits: digits });
}
