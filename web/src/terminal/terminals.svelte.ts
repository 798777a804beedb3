import { api, ok } from '../api/client';
import { isPassing } from '../api/problem';
import type { components } from '../api/rest';
import { storage } from '../browser/storage';
import { connection } from '../socket/connection.svelte';
import { toasts } from '../ui/toasts.svelte';
import { Link, type Ending, type Phase, type Wire } from './link';
import { t } from './messages';
import { Screen } from './screen';

export type TerminalInfo = components['schemas']['TerminalInfo'];
type Offer = Omit<components['schemas']['TerminalList'], 'terminals'>;

const SUBPROTOCOL = 'codelab.terminal.v1';
const MOST_TYPED = 1_000_000;
const SCREEN_READER = 'codelab.terminal.screenReader';

/** One terminal: what it shows, and its connection. */
export class OpenTerminal {
  phase = $state<Phase>('connecting');
  ending = $state<Ending | null>(null);
  finding = $state(false);
  readonly screen: Screen;
  readonly #link: Link;

  constructor(
    readonly id: string,
    readonly number: number,
    workspaceId: string,
  ) {
    this.screen = new Screen({
      typed: (bytes) => this.#type(bytes),
      resized: (cols, rows) => this.#link.resize(cols, rows),
      find: () => (this.finding = true),
    });
    const path = { workspace_id: workspaceId, terminal_id: id };
    this.#link = new Link(
      (offset) => connect(path, offset),
      (error) => !isPassing(error),
      {
        reset: () => this.screen.reset(),
        print: (bytes, isReplay, shown) => this.screen.print(bytes, isReplay, shown),
        phase: (phase) => (this.phase = phase),
        ended: (ending) => (this.ending = ending),
      },
    );
    void this.connect();
  }

  /** Connects anew, also when another window has it. */
  async connect(): Promise<void> {
    await this.#link.connect();
  }

  wake(): void {
    this.#link.wake();
  }

  renew(): void {
    this.#link.renew();
  }

  dispose(): void {
    this.#link.dispose();
    this.screen.dispose();
  }

  #type(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length > MOST_TYPED) toasts.show(t('pasteTooLong'), 'bad');
    else this.#link.type(bytes);
  }
}

async function connect(path: { workspace_id: string; terminal_id: string }, offset: number): Promise<Wire> {
  const base = '/api/v1/workspaces/{workspace_id}/terminals/{terminal_id}';
  const { ticket } = await ok(api.POST(`${base}/ticket`, { params: { path } }));
  const place = `/api/v1/workspaces/${path.workspace_id}/terminals/${path.terminal_id}/ws`;
  const url = new URL(place, window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('ticket', ticket);
  url.searchParams.set('offset', String(offset));
  return new WebSocket(url, SUBPROTOCOL);
}

class Terminals {
  all = $state.raw<OpenTerminal[]>([]);
  activeId = $state<string | null>(null);
  /** What may be had here; none until the server said so. */
  offer = $state<Offer | null>(null);
  screenReader = $state(storage.getItem(SCREEN_READER) === 'on');
  #workspaceId = '';
  #userId = '';
  #count = 0;
  #opening = false;

  constructor() {
    const wake = () => this.all.forEach((each) => each.wake());
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', () => !document.hidden && wake());
    // The page's own connection finds out when the network has gone without a word.
    connection.on('hello', () => this.all.forEach((each) => each.renew()));
  }

  get active(): OpenTerminal | null {
    return this.all.find((each) => each.id === this.activeId) ?? null;
  }

  /** Finds the terminals of a project; where there is none yet, opens one. */
  async enter(userId: string, workspaceId: string): Promise<void> {
    const isSame = workspaceId === this.#workspaceId && userId === this.#userId;
    if (isSame && this.all.length > 0) return;
    // Also when somebody else signs in on this page: what was shown is not theirs.
    if (!isSame) this.#leave();
    this.#workspaceId = workspaceId;
    this.#userId = userId;
    const path = { workspace_id: workspaceId };
    const { terminals, ...offer } = await ok(
      api.GET('/api/v1/workspaces/{workspace_id}/terminals', { params: { path } }),
    );
    if (workspaceId !== this.#workspaceId || userId !== this.#userId) return;
    this.offer = offer;
    for (const info of terminals) this.#add(info.id);
    if (offer.allowed && terminals.length === 0) await this.open();
  }

  /** Opens one more, and shows it. */
  async open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    try {
      const params = { path: { workspace_id: this.#workspaceId } };
      const body = { cols: 80, rows: 24 };
      const info = await ok(api.POST('/api/v1/workspaces/{workspace_id}/terminals', { params, body }));
      if (info.workspace_id === this.#workspaceId) this.#add(info.id);
    } finally {
      this.#opening = false;
    }
  }

  /** Ends one, and shows its neighbour. */
  async close(terminal: OpenTerminal): Promise<void> {
    const index = this.all.indexOf(terminal);
    this.all = this.all.filter((each) => each !== terminal);
    if (this.activeId === terminal.id) this.activeId = (this.all[index] ?? this.all[index - 1])?.id ?? null;
    terminal.dispose();
    const params = { path: { workspace_id: this.#workspaceId, terminal_id: terminal.id } };
    const answer = await api.DELETE('/api/v1/workspaces/{workspace_id}/terminals/{terminal_id}', { params });
    // It may have gone before.
    if (answer.response.status !== 404) await ok(Promise.resolve(answer));
  }

  /** Puts a new one in the place of one that has ended. */
  async restart(terminal: OpenTerminal): Promise<void> {
    await this.close(terminal);
    await this.open();
  }

  readForScreens(on: boolean): void {
    this.screenReader = on;
    storage.setItem(SCREEN_READER, on ? 'on' : 'off');
    for (const each of this.all) each.screen.screenReaderMode = on;
  }

  #add(id: string): void {
    this.#count += 1;
    const terminal = new OpenTerminal(id, this.#count, this.#workspaceId);
    terminal.screen.screenReaderMode = this.screenReader;
    this.all = [...this.all, terminal];
    this.activeId = id;
  }

  #leave(): void {
    for (const each of this.all) each.dispose();
    this.all = [];
    this.activeId = null;
    this.offer = null;
    this.#count = 0;
  }
}

/** The terminals of the project that is open; they go on while their pane is hidden. */
export const terminals = new Terminals();
