import { assemble } from './assembling';
import { nextFrame, type Schedule } from './batching';
import { Board } from './board';
import type { AnyFrame, Frame } from './frames';
import type { Changes, EntryView, SessionStatus } from './view';

/** What the frames of a session add up to, however they arrive: twice, again from the start, or
 * with a break in the middle of a message.
 *
 * It stands outside of reactive state; whoever shows it is told of what has changed once in an
 * animation frame. */
export class Transcript {
  /** The last durable frame that was taken, for `resume`. */
  lastSeq = 0;
  epoch: number | null = null;
  private readonly board: Board;
  private readonly listeners = new Set<(changes: Changes) => void>();
  private scheduled = false;

  constructor(
    readonly sessionId: string,
    private readonly schedule: Schedule = nextFrame,
  ) {
    this.board = new Board(() => this.announce());
  }

  get status(): SessionStatus {
    return this.board.status;
  }

  /** The keys of all entries, as they are shown. */
  get order(): readonly string[] {
    return this.board.order;
  }

  entry(key: string): EntryView | undefined {
    return this.board.get(key);
  }

  /** Take a frame into account. Tells whether it fits: if not, frames before it are missing, and
   * the session must be resumed behind `lastSeq`. */
  apply(frame: AnyFrame): boolean {
    if (frame.session_id && frame.session_id !== this.sessionId) return true;
    if (frame.type === 'recovered') return this.recover(frame as Frame<'recovered'>);
    if (typeof frame.seq === 'number') {
      if (this.epoch !== null && frame.epoch !== this.epoch) this.forget();
      if (frame.seq <= this.lastSeq) return true;
      if (frame.seq > this.lastSeq + 1) return false;
      this.lastSeq = frame.seq;
      this.epoch = frame.epoch ?? null;
    }
    assemble(this.board, frame as Frame);
    return true;
  }

  subscribe(listener: (changes: Changes) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Drop everything: the log is another one than it was. */
  forget(): void {
    this.lastSeq = 0;
    this.epoch = null;
    this.board.clear();
  }

  private recover({ data }: Frame<'recovered'>): boolean {
    if (!data.ok) this.forget();
    return data.from_seq <= this.lastSeq;
  }

  private announce(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      const changes = this.board.takeChanges();
      for (const listener of this.listeners) listener(changes);
    });
  }
}
