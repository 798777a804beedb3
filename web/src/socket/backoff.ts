const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/**
 * Says how long to wait before the next try to connect.
 *
 * @param tries How many failed since the last success, from 0.
 * @param chance A number from 0 to below 1, so that many clients don't come back at once.
 * @returns Milliseconds.
 */
export function backoff(tries: number, chance: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));
  return longest / 2 + (longest / 2) * chance;
}
