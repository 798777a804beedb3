import { router } from '../routes/router.svelte';

/** Puts values into the address's query; empty ones leave it. The way back stays short. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const query = router.query;
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  router.go(window.location.pathname + (text ? `?${text}` : ''), { replace: true });
}

/** Reads a value of the query that must be one of a few; the first one where it is not. */
export function chosen<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
  const value = router.query.get(name);
  return allowed.find((each) => each === value) ?? allowed[0];
}
