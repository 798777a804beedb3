import type { Sink } from '../socket/watches';
import { assemble } from './assembling';
import { nextFrame, type Schedule } from './batching';
import { Board } from './board';
import type { Frame } from './frames';
import type { Changes, EntryView, SessionStatus } from './view';

/**
 * What the frames of a session add up to, however they arrive: twice, again from the start, or
 * with a break in the middle of a message.
 *
 * It stands outside of reactive state; whoever shows it is told of what has changed once in an
 * animation frame.
 */
export class Transcript implements Sink {
  #lastSeq = 0;
  #scheduled = false;
  readonly #board = new Board(() => this.#announce());
  readonly #listeners = new Set<(changes: Changes) => void>();
  readonly #schedule: Schedule;

  constructor(schedule: Schedule = nextFrame) {
    this.#schedule = schedule;
  }

  /** How far in the session's log it has come. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get status(): SessionStatus {
    return this.#board.status;
  }

  /** The keys of all entries, as they are shown. */
  get order(): readonly string[] {
    return this.#board.order;
  }

  entry(key: string): EntryView | undefined {
    return this.#board.get(key);
  }

  /** Takes a frame into account; what comes twice, or behind a gap, does nothing. */
  frame(frame: Frame): void {
    if (frame.seq) {
      if (frame.seq !== this.#lastSeq + 1) return;
      this.#lastSeq = frame.seq;
    }
    assemble(this.#board, frame);
  }

  /** Drops everything: the log is another one than it was. */
  reset(): void {
    this.#lastSeq = 0;
    this.#board.clear();
  }

  /** Tells a listener of changes, until the returned function is called. */
  subscribe(listener: (changes: Changes) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      const changes = this.#board.takeChanges();
      for (const listener of this.#listeners) listener(changes);
    });
  }
}
