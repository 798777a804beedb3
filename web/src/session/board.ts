import type { Changes, EntryView, SessionStatus, Usage } from './view';

export const NOTHING_USED: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0, estimated: false };

export const EMPTY: SessionStatus = {
  state: 'idle',
  busy: false,
  turnId: '',
  agent: '',
  model: '',
  usage: NOTHING_USED,
  turnUsage: NOTHING_USED,
  context: null,
  waitingForModel: null,
  waitingCalls: [],
  stopReason: '',
  checkpoints: 0,
  waysBack: [],
};

/** Holds a session's entries in their order and remembers what has changed.
 *
 * What the log has stands in the log's order; behind it stands what is still being written. So the
 * order does not depend on when a piece of text came. */
export class Board {
  status = EMPTY;
  /** Where each call is, by the identifier its agent gave it. */
  readonly callKeys = new Map<string, string>();
  /** The running turn's messages that are complete, so that late pieces of one are known. */
  readonly finished = new Set<string>();
  /** Which message began each turn. */
  readonly questions = new Map<string, string>();
  /** In which code fence the last message of a task ended, by task. */
  readonly fences = new Map<string, string>();
  private readonly entries = new Map<string, EntryView>();
  private settled: string[] = [];
  private writing: string[] = [];
  private touched = new Set<string>();
  private orderChanged = false;
  private statusChanged = false;

  constructor(private readonly onChange: () => void) {}

  get order(): readonly string[] {
    return this.writing.length ? [...this.settled, ...this.writing] : this.settled;
  }

  get(key: string): EntryView | undefined {
    return this.entries.get(key);
  }

  /** Put an entry that the log has behind all others that it has. */
  settle(entry: EntryView): void {
    this.unwrite(entry.key);
    this.settled.push(entry.key);
    this.set(entry);
    this.reorder();
  }

  /** Show an entry that is not in the log yet. */
  write(entry: EntryView): void {
    if (!this.writing.includes(entry.key)) {
      this.writing.push(entry.key);
      this.reorder();
    }
    this.set(entry);
  }

  /** Take away what is written there, if it is not in the log. */
  drop(key: string): void {
    if (!this.writing.includes(key)) return;
    this.unwrite(key);
    this.entries.delete(key);
    this.reorder();
  }

  written(): EntryView[] {
    return this.writing.flatMap((key) => this.entries.get(key) ?? []);
  }

  /** Change an entry of this kind, if there is one. */
  patch<Kind extends EntryView['kind']>(
    kind: Kind,
    key: string,
    change: Partial<Extract<EntryView, { kind: Kind }>>,
  ): void {
    const entry = this.entries.get(key);
    if (entry?.kind === kind) this.set({ ...entry, ...change });
  }

  *all(): Iterable<EntryView> {
    yield* this.entries.values();
  }

  say(change: Partial<SessionStatus>): void {
    this.status = { ...this.status, ...change };
    this.statusChanged = true;
    this.onChange();
  }

  clear(): void {
    this.entries.clear();
    this.callKeys.clear();
    this.finished.clear();
    this.fences.clear();
    this.questions.clear();
    this.settled = [];
    this.writing = [];
    this.touched.clear();
    this.reorder();
    this.say(EMPTY);
  }

  /** Hand over what has changed since the last time. */
  takeChanges(): Changes {
    const changes = {
      order: this.orderChanged,
      entries: this.touched,
      status: this.statusChanged,
    };
    this.touched = new Set();
    this.orderChanged = this.statusChanged = false;
    return changes;
  }

  private set(entry: EntryView): void {
    this.entries.set(entry.key, entry);
    this.touched.add(entry.key);
    this.onChange();
  }

  private unwrite(key: string): void {
    if (this.writing.length) this.writing = this.writing.filter((each) => each !== key);
  }

  private reorder(): void {
    // Whoever holds the order sees by identity that it is another one.
    this.orderChanged = true;
    this.onChange();
  }
}
