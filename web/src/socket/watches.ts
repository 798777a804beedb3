import type { ServerFrame } from '../api/frames';

/** What follows a session. */
export interface Sink {
  /** Takes a frame of the session, durable ones in their order and once. */
  frame(frame: ServerFrame): void;
  /** What was shown is not the record any more: drop it, all frames come again. */
  reset(): void;
}

interface Watch {
  lastSeq: number;
  epoch: number | null;
  sinks: Set<Sink>;
}

/** The sessions that this tab follows, and how far it has seen each. */
export class Watches {
  #watches = new Map<string, Watch>();

  /** Begins to follow a session; whoever followed it already sees it again from its beginning. */
  add(sessionId: string, sink: Sink): void {
    const watch = this.#watches.get(sessionId) ?? { lastSeq: 0, epoch: null, sinks: new Set<Sink>() };
    watch.lastSeq = 0;
    for (const other of watch.sinks) other.reset();
    watch.sinks.add(sink);
    this.#watches.set(sessionId, watch);
  }

  /** Stops following. */
  remove(sessionId: string, sink: Sink): void {
    const watch = this.#watches.get(sessionId);
    watch?.sinks.delete(sink);
    if (watch?.sinks.size === 0) this.#watches.delete(sessionId);
  }

  /** All sessions that are followed. */
  sessions(): Iterable<string> {
    return this.#watches.keys();
  }

  /** Writes the frame that asks for what is missing of a session. */
  resumption(sessionId: string): string {
    const watch = this.#watches.get(sessionId);
    const data = { last_seq: watch?.lastSeq ?? 0, epoch: watch?.epoch ?? null };
    return JSON.stringify({ type: 'resume', session_id: sessionId, data });
  }

  /** Hands a session's frame to those who follow it, unless they have seen it. */
  deliver(frame: ServerFrame): void {
    const watch = this.#watches.get(frame.session_id ?? '');
    if (!watch) return;
    if (frame.type === 'recovered') {
      watch.epoch = frame.epoch ?? watch.epoch;
      if (!frame.data.ok) {
        watch.lastSeq = frame.data.from_seq;
        for (const sink of watch.sinks) sink.reset();
      }
    }
    if (frame.seq) {
      // What was under way when it was asked for all again comes once more, in its turn.
      if (frame.seq !== watch.lastSeq + 1) return;
      watch.lastSeq = frame.seq;
      watch.epoch = frame.epoch ?? watch.epoch;
    }
    for (const sink of watch.sinks) sink.frame(frame);
  }
}
