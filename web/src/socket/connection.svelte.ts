import { api, ok } from '../api/client';
import type { Ack, ClientFrame, ServerFrame } from '../api/frames';
import { accessToken, renew } from '../api/tokens';
import { backoff } from './backoff';
import { Requests } from './requests';
import { Watches, type Sink } from './watches';

type Kind = ServerFrame['type'];
type FrameOf<K extends Kind> = Extract<ServerFrame, { type: K }>;
type Listener = (frame: ServerFrame) => void;

const SUBPROTOCOL = 'codelab.v1';
const SILENCE_MS = 5000;
/** How long the server may take to let us in. */
const PATIENCE_MS = 10_000;
/** Close codes from here on say: don't come back as you are. */
const FINAL = 4500;

/** The tab's one connection to the server: it comes back by itself and misses nothing durable. */
class Connection {
  /** `offline` from the first failure on. */
  phase = $state<'closed' | 'connecting' | 'open' | 'offline'>('closed');
  /** When the next try begins, in milliseconds since 1970. */
  retryAt = $state<number | null>(null);
  offlineSince = $state<number | null>(null);
  /** The server is another version by now than it was when the page was loaded. */
  isOutdated = $state(false);

  #socket: WebSocket | null = null;
  #wanted = false;
  #connecting = false;
  #tries = 0;
  #shown: string | null = null;
  #version: string | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #requests = new Requests();
  #watches = new Watches();
  #listeners = new Map<string, Set<Listener>>();

  constructor() {
    // Of a machine that slept, or a page that was frozen, each may be the only sign.
    for (const sign of ['online', 'focus']) window.addEventListener(sign, () => this.wake());
    document.addEventListener('resume', () => this.wake());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.wake();
    });
  }

  /** Connects, and stays connected until `close`. */
  open(): void {
    this.#wanted = true;
    if (!this.#socket) void this.#connect();
  }

  /** Ends the connection: nobody is signed in any more. */
  close(): void {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#drop();
    this.phase = 'closed';
    this.offlineSince = null;
    this.retryAt = null;
  }

  /** Checks whether the other side still hears us, or tries again at once. */
  wake(): void {
    if (!this.#wanted) return;
    if (this.phase === 'open') this.#sendPing();
    else if (this.phase === 'offline') void this.#connect();
  }

  /**
   * Follows a session from its beginning.
   *
   * @returns What ends it.
   */
  watch(sessionId: string, sink: Sink): () => void {
    this.#watches.add(sessionId, sink);
    this.#resume(sessionId);
    return () => this.#watches.remove(sessionId, sink);
  }

  /**
   * Sends a frame and waits for its answer, over as many connections as it takes.
   *
   * @throws FrameRefused when the server answers with an error.
   */
  send(frame: ClientFrame): Promise<Ack['data']> {
    const { text, answer } = this.#requests.add(frame);
    if (this.phase === 'open') this.#socket?.send(text);
    return answer;
  }

  /** Listens to all frames of a kind, such as those that belong to no session. */
  on<K extends Kind>(kind: K, listener: (frame: FrameOf<K>) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set<Listener>();
    this.#listeners.set(kind, listeners);
    listeners.add(listener as Listener);
    return () => listeners.delete(listener as Listener);
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#socket) return;
    this.#connecting = true;
    clearTimeout(this.#retry);
    this.retryAt = null;
    if (this.phase !== 'offline') this.phase = 'connecting';
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { ticket } = await ok(api.POST('/api/v1/auth/ws-ticket', { signal }));
      if (this.#wanted) this.#openSocket(ticket);
    } catch {
      this.#comeBack();
    } finally {
      this.#connecting = false;
    }
  }

  #openSocket(ticket: string): void {
    const url = new URL('/api/v1/ws', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('ticket', ticket);
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#expectFrame(PATIENCE_MS);
    socket.addEventListener('message', (event: MessageEvent<string>) => {
      if (this.#socket === socket) this.#take(JSON.parse(event.data) as ServerFrame);
    });
    socket.addEventListener('close', (event) => {
      if (this.#socket === socket) this.#lost(event.code);
    });
  }

  #take(frame: ServerFrame): void {
    clearTimeout(this.#silence);
    if (frame.type === 'hello') this.#begin(frame);
    if ((frame.type === 'ack' || frame.type === 'error') && this.#requests.settle(frame)) return;
    this.#watches.deliver(frame);
    for (const listener of this.#listeners.get(frame.type) ?? []) listener(frame);
  }

  #begin(hello: FrameOf<'hello'>): void {
    this.#tries = 0;
    this.phase = 'open';
    this.offlineSince = null;
    this.#version ??= hello.data.version;
    if (this.#version !== hello.data.version) this.isOutdated = true;
    clearInterval(this.#ping);
    this.#ping = setInterval(() => void this.#renew(), hello.data.ping_interval_s * 1000);
    for (const sessionId of this.#watches.sessions()) this.#resume(sessionId);
    for (const text of this.#requests.unanswered()) this.#socket?.send(text);
  }

  #resume(sessionId: string): void {
    if (this.phase === 'open') this.#socket?.send(this.#watches.resumption(sessionId));
  }

  /** Pings, and signs in anew on the open connection before its token ends. */
  async #renew(): Promise<void> {
    this.#sendPing();
    const token = await accessToken().catch(() => null);
    if (token === null || token === this.#shown) return;
    this.#shown = token;
    this.#socket?.send(JSON.stringify({ type: 'auth', data: { token } }));
  }

  #sendPing(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type: 'ping', data: {} }));
    this.#expectFrame(SILENCE_MS);
  }

  /** Gives the connection up where nothing comes: it may be open on this side alone. */
  #expectFrame(withinMs: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(0), withinMs);
  }

  #lost(code: number): void {
    this.#drop();
    if (!this.#wanted) return;
    this.offlineSince ??= Date.now();
    if (code < FINAL) this.#comeBack();
    else void this.#signInAgain();
  }

  /** Refused or signed out: asking for a new token finds out which, and says so. */
  async #signInAgain(): Promise<void> {
    this.phase = 'offline';
    const token = await accessToken()
      .then(renew)
      .catch(() => undefined);
    if (token !== null) this.#comeBack();
  }

  #comeBack(): void {
    if (!this.#wanted) return;
    this.phase = 'offline';
    this.offlineSince ??= Date.now();
    const wait = backoff(this.#tries, Math.random());
    this.#tries += 1;
    this.retryAt = Date.now() + wait;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), wait);
  }

  #drop(): void {
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    this.#shown = null;
    // One that is not open yet would complain to the console.
    if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener('open', () => socket.close());
    else socket?.close();
  }
}

/** The connection of this tab. */
export const connection = new Connection();
