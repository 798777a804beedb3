import { api, ok } from '../api/client';
import { ApiProblem } from '../api/problem';
import { forget, isKept, keep, refreshToken, whenEnded, whenTaken, type TokenPair } from '../api/tokens';
import { connection } from '../socket/connection.svelte';

/** The signed-in user. */
export interface User {
  id: string;
  username: string;
  role: string;
}

/**
 * Who uses this tab.
 *
 * `expired` means that the sign-in ended while the page was in use: the page stays as it is, with
 * all that was typed, and asks for the password on top of it.
 */
class Account {
  state = $state<'unknown' | 'signed_out' | 'signed_in' | 'expired'>('unknown');
  user = $state<User | null>(null);
  /** Whose data this page may still hold, after signing out too. */
  #heldOf: string | null = null;

  constructor() {
    whenEnded(() => {
      connection.close();
      this.state = this.user === null ? 'signed_out' : 'expired';
    });
    whenTaken((userId) => this.#follow(userId));
    // Whoever slept through the news hears it from the server.
    connection.on('hello', ({ data }) => this.#follow(data.user_id));
  }

  get isAdmin(): boolean {
    return this.user?.role === 'admin';
  }

  /** Finds out whether an earlier sign-in still holds. */
  async load(): Promise<void> {
    if (!isKept()) {
      this.state = 'signed_out';
      return;
    }
    try {
      this.#begin(await ok(api.GET('/api/v1/auth/me')));
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
      this.state = 'signed_out';
    }
  }

  /** Signs in with a name and a password. */
  async signIn(username: string, password: string): Promise<void> {
    await this.#enter(await ok(api.POST('/api/v1/auth/login', { body: { username, password } })));
  }

  /** Makes the first administrator by the setup link's token and signs in. */
  async setUp(token: string, username: string, password: string): Promise<void> {
    const body = { token, username, password };
    await this.#enter(await ok(api.POST('/api/v1/auth/setup', { body })));
  }

  /** Signs out, here and in all tabs. */
  async signOut(): Promise<void> {
    const token = refreshToken();
    connection.close();
    forget();
    this.user = null;
    this.state = 'signed_out';
    if (token) await api.POST('/api/v1/auth/logout', { body: { refresh_token: token } }).catch(() => null);
  }

  /** Ends all sign-ins of the user, on every device. */
  async signOutEverywhere(): Promise<void> {
    await ok(api.POST('/api/v1/auth/logout-everywhere'));
    await this.signOut();
  }

  /** Changes the user's password; this sign-in goes on, all others end. */
  async changePassword(current: string, wanted: string): Promise<void> {
    const body = { current_password: current, new_password: wanted };
    keep(await ok(api.PUT('/api/v1/auth/password', { body })));
  }

  /** Deletes the user's account and all that belongs to it. */
  async leaveForGood(password: string): Promise<void> {
    await ok(api.DELETE('/api/v1/users/me', { body: { password } }));
    await this.signOut();
  }

  async #enter(pair: TokenPair): Promise<void> {
    keep(pair);
    this.#begin(await ok(api.GET('/api/v1/auth/me')));
  }

  /** Another tab signed in, as this one's user or as somebody else; or it renewed the sign-in. */
  #follow(userId: string): void {
    if (this.#isAnother(userId)) this.#startAnew();
    else if (this.state !== 'signed_in') void this.load().catch(() => undefined);
  }

  #isAnother(userId: string): boolean {
    return this.#heldOf !== null && this.#heldOf !== userId;
  }

  /** Nothing of the one user may stay on the other's screen, or be sent in their name. */
  #startAnew(): void {
    connection.close();
    // Who would rather stay, for a long text that is not saved, has to sign in again.
    if (this.user !== null) this.state = 'expired';
    window.location.assign('/');
  }

  #begin(user: User): void {
    if (this.#isAnother(user.id)) {
      this.#startAnew();
      return;
    }
    this.#heldOf = user.id;
    this.user = user;
    this.state = 'signed_in';
    connection.open();
  }
}

/** The account of this tab. */
export const account = new Account();
