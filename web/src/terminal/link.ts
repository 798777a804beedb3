import { backoff } from '../socket/backoff';

/** How a terminal ended, as the server says it. */
export interface Ending {
  exit_code: number;
  reason: string;
  detail: string;
}

export type Phase = 'connecting' | 'open' | 'offline' | 'taken' | 'ended' | 'gone';

/** The part of a WebSocket that is needed here. */
export interface Wire {
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(kind: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(kind: 'close', listener: (event: { code: number }) => void): void;
}

/** What shows a terminal. */
export interface Sink {
  /** What was shown is not continued. */
  reset(): void;
  /** Shows more; `shown` is called once it is. */
  print(bytes: Uint8Array, isReplay: boolean, shown: () => void): void;
  phase(phase: Phase): void;
  ended(ending: Ending): void;
}

interface Ready {
  type: 'ready';
  data: { offset: number; end: number; window: number; cols: number; rows: number };
}

type ServerFrame = Ready | { type: 'exit'; data: Ending };

/** The server's close codes from here on say: don't come back as you are. */
const FINAL = 4500;
const TAKEN_OVER = 4503;
const ENDED = 4504;
/** How many bytes are shown before the server is told, at most. */
const TOLD_EVERY = 32 * 1024;
const PIECE = 64 * 1024;
/** How long the server may take to let us in. */
const PATIENCE_MS = 10_000;

/** One terminal's connection: it comes back by itself, and nothing is shown twice or lost. */
export class Link {
  #wire: Wire | null = null;
  #phase: Phase = 'connecting';
  #next = 0;
  #shown = 0;
  #told = 0;
  #pending = 0;
  #replayed = 0;
  #generation = 0;
  #tries = 0;
  #size: { cols: number; rows: number } | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param open Opens a socket that begins with this byte; an error that is `final` ends the tries.
   * @param isFinal Whether an error of `open` says that there is no such terminal.
   */
  constructor(
    private readonly open: (offset: number) => Promise<Wire>,
    private readonly isFinal: (error: unknown) => boolean,
    private readonly sink: Sink,
  ) {}

  /** Connects, at once. */
  async connect(): Promise<void> {
    clearTimeout(this.#retry);
    this.#drop();
    this.#generation += 1;
    const generation = this.#generation;
    if (this.#phase !== 'offline') this.#turn('connecting');
    this.#patience = setTimeout(() => this.#giveUp(), PATIENCE_MS);
    try {
      const wire = await this.open(this.#next);
      if (generation !== this.#generation) wire.close();
      else this.#listen(wire);
    } catch (error) {
      if (generation !== this.#generation) return;
      clearTimeout(this.#patience);
      if (this.isFinal(error)) this.#turn('gone');
      else this.#comeBack();
    }
  }

  /** Tries again now, if it is waiting to. */
  wake(): void {
    if (this.#phase === 'offline') void this.connect();
  }

  /** Connects anew where it seems to be open: the other side may have gone without a word. */
  renew(): void {
    if (this.#phase === 'open' || this.#phase === 'offline') void this.connect();
  }

  /** Sends what was typed. */
  type(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#phase !== 'open') return;
    for (let at = 0; at < bytes.length; at += PIECE) this.#wire?.send(bytes.subarray(at, at + PIECE));
  }

  /** Says how much is shown, now and after each new connection. */
  resize(cols: number, rows: number): void {
    if (this.#size?.cols === cols && this.#size.rows === rows) return;
    this.#size = { cols, rows };
    this.#sendSize();
  }

  /** Ends the connection for good; the terminal itself goes on. */
  dispose(): void {
    clearTimeout(this.#retry);
    this.#generation += 1;
    this.#drop();
  }

  #listen(wire: Wire): void {
    this.#wire = wire;
    wire.binaryType = 'arraybuffer';
    wire.addEventListener('message', ({ data }) => {
      if (this.#wire !== wire) return;
      if (typeof data === 'string') this.#obey(JSON.parse(data) as ServerFrame);
      else if (data instanceof ArrayBuffer) this.#print(new Uint8Array(data));
    });
    wire.addEventListener('close', ({ code }) => {
      if (this.#wire === wire) this.#lost(code);
    });
  }

  #giveUp(): void {
    this.#generation += 1;
    this.#drop();
    this.#comeBack();
  }

  #obey(frame: ServerFrame): void {
    clearTimeout(this.#patience);
    if (frame.type === 'exit') {
      this.sink.ended(frame.data);
      this.#turn('ended');
      return;
    }
    const { offset, end } = frame.data;
    this.#tries = 0;
    if (offset !== this.#next || offset === 0) {
      this.#next = offset;
      this.#replayed = end;
      this.sink.reset();
    }
    this.#shown = this.#next;
    this.#told = this.#next;
    this.#pending = 0;
    this.#turn('open');
    this.#sendSize();
  }

  #print(bytes: Uint8Array): void {
    const isReplay = this.#next < this.#replayed;
    const generation = this.#generation;
    this.#next += bytes.length;
    this.#pending += bytes.length;
    this.sink.print(bytes, isReplay, () => {
      if (generation !== this.#generation) return;
      this.#shown += bytes.length;
      this.#pending -= bytes.length;
      if (this.#pending === 0 || this.#shown - this.#told >= TOLD_EVERY) this.#tell();
    });
  }

  #tell(): void {
    this.#told = this.#shown;
    this.#send({ type: 'ack', data: { offset: this.#shown } });
  }

  #sendSize(): void {
    if (this.#size) this.#send({ type: 'resize', data: this.#size });
  }

  #send(frame: object): void {
    if (this.#phase === 'open') this.#wire?.send(JSON.stringify(frame));
  }

  #lost(code: number): void {
    clearTimeout(this.#patience);
    this.#wire = null;
    if (this.#phase === 'ended' || code === ENDED) return;
    if (code === TAKEN_OVER) this.#turn('taken');
    else if (code >= FINAL) this.#turn('gone');
    else this.#comeBack();
  }

  #comeBack(): void {
    clearTimeout(this.#patience);
    this.#turn('offline');
    const wait = backoff(this.#tries, Math.random());
    this.#tries += 1;
    this.#retry = setTimeout(() => void this.connect(), wait);
  }

  #drop(): void {
    clearTimeout(this.#patience);
    const wire = this.#wire;
    this.#wire = null;
    wire?.close();
  }

  #turn(phase: Phase): void {
    this.#phase = phase;
    this.sink.phase(phase);
  }
}
