import { storage } from '../browser/storage';
import { exclusively } from './lock';
import { ApiProblem, Unreachable, problemOf } from './problem';

/** What sign-in and renewal answer; `expires_in` in seconds. */
export interface TokenPair {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

/** A sign-in as all tabs of this browser share it. */
interface SignIn {
  access: string;
  refresh: string;
  /** When the access token ends, in milliseconds since 1970. */
  endsAt: number;
}

const KEY = 'codelab.sign-in';
// Renewed a little early, so that a token never ends on its way.
const EARLY_MS = 30_000;
const PATIENCE_MS = 15_000;

let renewal: Promise<string | null> | null = null;
let onEnded: () => void = () => {};

/** Sets who is told when the sign-in has ended, here or in another tab. */
export function whenEnded(listener: () => void): void {
  onEnded = listener;
  window.addEventListener('storage', (event) => {
    if (event.key === KEY && event.newValue === null) end();
  });
}

/** Sets who is told when another tab has signed in or renewed, and whose the sign-in is now. */
export function whenTaken(listener: (userId: string) => void): void {
  window.addEventListener('storage', (event) => {
    const kept = event.key === KEY ? read() : null;
    if (kept !== null) listener(userOf(kept.access));
  });
}

/**
 * Keeps a fresh pair for all tabs.
 *
 * The access token is kept too: each refresh token works once, and a page that is loaded again
 * while it is being exchanged would lose the sign-in.
 */
export function keep(pair: TokenPair): void {
  const endsAt = Date.now() + pair.expires_in * 1000;
  const kept: SignIn = { access: pair.access_token, refresh: pair.refresh_token, endsAt };
  storage.setItem(KEY, JSON.stringify(kept));
}

/** Forgets the sign-in in every tab. */
export function forget(): void {
  storage.removeItem(KEY);
}

/** Says whether there is a sign-in that may still be good. */
export function isKept(): boolean {
  return read() !== null;
}

/** Returns the refresh token, to be ended on signing out. */
export function refreshToken(): string | null {
  return read()?.refresh ?? null;
}

/**
 * Returns an access token that is good now, or none when nobody is signed in.
 *
 * @throws Unreachable when it had to be renewed and the server does not answer.
 */
export async function accessToken(): Promise<string | null> {
  const kept = read();
  if (kept === null || isFresh(kept)) return kept?.access ?? null;
  return renew(kept.access);
}

/** Gets a new access token in place of a refused one, once for all who ask at the same time. */
export async function renew(refused: string | null): Promise<string | null> {
  renewal ??= exclusively('codelab.renewal', () => exchange(refused)).finally(() => {
    renewal = null;
  });
  return renewal;
}

/** Reads the sign-in; one that somebody has tampered with is none. */
function read(): SignIn | null {
  const { access, refresh, endsAt } = (storage.json(KEY) ?? {}) as Partial<SignIn>;
  const isOne = typeof access === 'string' && typeof refresh === 'string' && typeof endsAt === 'number';
  return isOne ? { access, refresh, endsAt } : null;
}

/** Whose an access token is, as it says itself. */
function userOf(access: string): string {
  try {
    const payload = access.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return String((claims as { sub?: unknown }).sub ?? '');
  } catch {
    return '';
  }
}

function isFresh(kept: SignIn): boolean {
  return kept.endsAt - EARLY_MS > Date.now();
}

async function exchange(refused: string | null): Promise<string | null> {
  // Another tab may have renewed it already: whoever has the lock reads the newest.
  const kept = read();
  if (kept === null) return null;
  if (kept.access !== refused && isFresh(kept)) return kept.access;
  let response: Response;
  try {
    response = await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: kept.refresh }),
      // All tabs wait for it.
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new Unreachable(error);
  }
  if (response.ok) {
    const pair = (await response.json()) as TokenPair;
    keep(pair);
    return pair.access_token;
  }
  const problem: ApiProblem = problemOf(response, await response.json().catch(() => null));
  if (problem.status !== 401) throw problem;
  end();
  return null;
}

function end(): void {
  forget();
  onEnded();
}
