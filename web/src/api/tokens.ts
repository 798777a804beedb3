import { exclusively } from './lock';
import { ApiProblem, Unreachable, problemOf } from './problem';

/** What sign-in and renewal answer; `expires_in` in seconds. */
export interface TokenPair {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

const REFRESH = 'codelab.refresh';
// Renewed a little early, so that a token never ends on its way.
const EARLY_MS = 30_000;

let access: { token: string; endsAt: number } | null = null;
let renewal: Promise<string | null> | null = null;
let onEnded: () => void = () => {};

/** Sets who is told when the sign-in has ended, here or in another tab. */
export function whenEnded(listener: () => void): void {
  onEnded = listener;
  window.addEventListener('storage', (event) => {
    if (event.key === REFRESH && event.newValue === null) end();
  });
}

/** Keeps a fresh pair; the access token stays in this tab's memory. */
export function keep(pair: TokenPair): void {
  access = { token: pair.access_token, endsAt: Date.now() + pair.expires_in * 1000 };
  localStorage.setItem(REFRESH, pair.refresh_token);
}

/** Forgets the sign-in in every tab. */
export function forget(): void {
  access = null;
  localStorage.removeItem(REFRESH);
}

/** Says whether there is a sign-in that may still be good. */
export function isKept(): boolean {
  return localStorage.getItem(REFRESH) !== null;
}

/** Returns the refresh token, to be ended on signing out. */
export function refreshToken(): string | null {
  return localStorage.getItem(REFRESH);
}

/**
 * Returns an access token that is good now, or none when nobody is signed in.
 *
 * @throws Unreachable when it had to be renewed and the server does not answer.
 */
export async function accessToken(): Promise<string | null> {
  if (access && access.endsAt - EARLY_MS > Date.now()) return access.token;
  return isKept() ? renew(access?.token ?? null) : null;
}

/** Gets a new access token in place of a refused one, once for all who ask at the same time. */
export async function renew(refused: string | null): Promise<string | null> {
  if (access && access.token !== refused && access.endsAt - EARLY_MS > Date.now()) {
    return access.token;
  }
  renewal ??= exclusively('codelab.renewal', exchange).finally(() => {
    renewal = null;
  });
  return renewal;
}

async function exchange(): Promise<string | null> {
  // Another tab may have used the one that we knew: whoever has the lock reads the newest.
  const token = localStorage.getItem(REFRESH);
  if (token === null) return null;
  let response: Response;
  try {
    response = await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: token }),
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
