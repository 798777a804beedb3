import type { Sink } from '../socket/watches';
import { assemble } from './assembling';
import { nextFrame, type Schedule } from './batching';
import { Board } from './board';
import type { Frame } from './frames';
import type { Changes, EntryView, SessionStatus, UserView } from './view';

/**
 * What the frames of a session add up to, however they arrive: twice, again from the start, or
 * with a break in the middle of a message.
 *
 * It stands outside of reactive state; whoever shows it is told of what has changed once in an
 * animation frame, and of nothing while it comes up to where the log has got: a long session would
 * pass by in front of its reader.
 */
export class Transcript implements Sink {
  #lastSeq: number;
  /** How far the log had got when it was asked for. */
  #head = 0;
  #scheduled = false;
  readonly #board = new Board(() => this.#announce());
  readonly #listeners = new Set<(changes: Changes) => void>();
  readonly #schedule: Schedule;

  /** @param after - The place in the log behind which it begins. */
  constructor(schedule: Schedule = nextFrame, after = 0) {
    this.#schedule = schedule;
    this.#lastSeq = after;
  }

  /** How far in the session's log it has come. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** How many frames of the log are still to come before it can be shown. */
  get missing(): number {
    return Math.max(0, this.#head - this.#lastSeq);
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

  /** The user's message that began a turn. */
  question(turnId: string): UserView | undefined {
    const entry = this.#board.get(this.#board.questions.get(turnId) ?? '');
    return entry?.kind === 'user' ? entry : undefined;
  }

  /** Takes a frame into account; what comes twice, or behind a gap, does nothing. */
  frame(frame: Frame): void {
    if (frame.type === 'recovered') this.#head = frame.data.last_seq;
    if (frame.seq) {
      if (frame.seq !== this.#lastSeq + 1) return;
      this.#lastSeq = frame.seq;
    }
    assemble(this.#board, frame);
    if (frame.seq === this.#head || frame.type === 'recovered') this.#announce();
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
    if (this.#scheduled || this.missing > 0) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      if (this.missing > 0) return;
      const changes = this.#board.takeChanges();
      for (const listener of this.#listeners) listener(changes);
    });
  }
}
