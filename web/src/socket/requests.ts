import type { Ack, ClientFrame, Error as ErrorFrame } from '../api/frames';

/** A frame that waits for its answer. */
interface Waiting {
  text: string;
  resolve: (ack: Ack['data']) => void;
  reject: (error: FrameRefused) => void;
}

/** The server's `error` to one of our frames. */
export class FrameRefused extends Error {
  constructor(readonly data: ErrorFrame['data']) {
    super(data.message);
    this.name = 'FrameRefused';
  }
}

/**
 * Keeps what was sent until it is answered.
 *
 * The server carries out the same `id` once, so everything unanswered is simply sent again on the
 * next connection.
 */
export class Requests {
  #waiting = new Map<string, Waiting>();
  #next = 0;
  readonly #prefix = Math.random().toString(36).slice(2, 10);

  /** Writes a frame with an id of its own and remembers it. */
  add(frame: ClientFrame): { text: string; answer: Promise<Ack['data']> } {
    this.#next += 1;
    const id = `${this.#prefix}-${this.#next}`;
    const text = JSON.stringify({ ...frame, id });
    const answer = new Promise<Ack['data']>((resolve, reject) => {
      this.#waiting.set(id, { text, resolve, reject });
    });
    return { text, answer };
  }

  /** Takes an answer; says whether it was one of ours. */
  settle(frame: Ack | ErrorFrame): boolean {
    const id = String(frame.id ?? '');
    const waiting = this.#waiting.get(id);
    if (!waiting) return false;
    this.#waiting.delete(id);
    if (frame.type === 'ack') waiting.resolve(frame.data);
    else waiting.reject(new FrameRefused(frame.data));
    return true;
  }

  /** All that is unanswered, in the order in which it was sent. */
  unanswered(): string[] {
    return [...this.#waiting.values()].map((waiting) => waiting.text);
  }
}
