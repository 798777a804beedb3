import { describe, expect, it } from 'vitest';

import type { ServerFrame } from '../api/frames';
import { Watches } from './watches';

function state(seq: number, epoch = 1): ServerFrame {
  return { type: 'state', session_id: 's', seq, epoch, data: { state: 'idle', agent: 'ask' } };
}

function record(): { seen: (number | 'reset')[]; frame: (frame: ServerFrame) => void; reset: () => void } {
  const seen: (number | 'reset')[] = [];
  return { seen, frame: (frame) => seen.push(frame.seq ?? -1), reset: () => seen.push('reset') };
}

describe('watches', () => {
  it('hands on each durable frame once and asks for what follows it', () => {
    const watches = new Watches();
    const sink = record();
    watches.add('s', sink);
    for (const seq of [1, 2, 2, 1, 3]) watches.deliver(state(seq, 7));
    expect(sink.seen).toEqual([1, 2, 3]);
    expect(JSON.parse(watches.resumption('s'))).toEqual({
      type: 'resume',
      session_id: 's',
      data: { last_seq: 3, epoch: 7 },
    });
  });

  it('starts again when the server says that the record is another', () => {
    const watches = new Watches();
    const sink = record();
    watches.add('s', sink);
    watches.deliver(state(1, 1));
    watches.deliver({ type: 'recovered', session_id: 's', epoch: 2, data: { ok: false, from_seq: 0, last_seq: 1 } });
    watches.deliver(state(1, 2));
    expect(sink.seen).toEqual([1, 'reset', -1, 1]);
  });

  it('shows the whole session to a second follower, and to the first again', () => {
    const watches = new Watches();
    const [first, second] = [record(), record()];
    watches.add('s', first);
    watches.deliver(state(1));
    watches.add('s', second);
    // Still on its way when all was asked for again.
    watches.deliver(state(2));
    watches.deliver(state(1));
    expect(first.seen).toEqual([1, 'reset', 1]);
    expect(second.seen).toEqual([1]);
    watches.remove('s', first);
    watches.remove('s', second);
    expect([...watches.sessions()]).toEqual([]);
  });
});
