import { describe, expect, it } from 'vitest';

import type { Frame } from './frames';
import { recordedSession, recorder, stream } from './recording';
import { inForce } from './rewinding';
import { Transcript } from './transcript';
import type { AnswerView, CallView, EntryView } from './view';

const FRAMES = recordedSession();

function atOnce(run: () => void): void {
  run();
}

function opened(frames: readonly Frame[] = []): Transcript {
  const transcript = new Transcript(atOnce);
  for (const frame of frames) transcript.frame(frame);
  return transcript;
}

function contents(transcript: Transcript): { entries: (EntryView | undefined)[]; status: unknown } {
  const { context: _, state: __, ...status } = transcript.status;
  return { entries: transcript.order.map((key) => transcript.entry(key)), status };
}

function find<Kind extends EntryView['kind']>(
  transcript: Transcript,
  kind: Kind,
): Extract<EntryView, { kind: Kind }>[] {
  return transcript.order.flatMap((key) => {
    const entry = transcript.entry(key);
    return entry?.kind === kind ? [entry as Extract<EntryView, { kind: Kind }>] : [];
  });
}

/** A generator of numbers that is the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a server sends to a client that comes back: the log behind its place, then the text so far
 * of what is being written. `upTo` frames have happened. */
function resumed(upTo: number, lastSeq: number): Frame[] {
  const happened = FRAMES.slice(0, upTo);
  const texts = new Map<string, Frame<'token'>>();
  for (const frame of happened) {
    if (frame.type === 'token') {
      const key = `${frame.data.message_id} ${frame.data.reasoning ?? false}`;
      const before = texts.get(key)?.data.text ?? '';
      texts.set(key, { ...frame, data: { ...frame.data, offset: 0, text: before + frame.data.text } });
    }
    if (frame.type === 'message' || frame.type === 'restarted') {
      for (const reasoning of [true, false]) texts.delete(`${frame.data.message_id} ${reasoning}`);
    }
    if (frame.type === 'done') texts.clear();
  }
  const head = Math.max(0, ...happened.map((frame) => frame.seq ?? 0));
  return [
    { type: 'recovered', session_id: 's1', epoch: 1, data: { ok: true, from_seq: lastSeq, last_seq: head } },
    ...happened.filter((frame) => (frame.seq ?? 0) > lastSeq),
    ...texts.values(),
  ];
}

describe('a transcript', () => {
  const whole = contents(opened(FRAMES));

  it('is the same however often the connection breaks and frames come twice', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const pick = numbers(seed);
      const transcript = opened();
      let sent = 0;
      while (sent < FRAMES.length) {
        const frame = FRAMES[sent++];
        if (!frame) break;
        // A connection that broke has lost some of what was sent.
        if (pick(8) > 0) transcript.frame(frame);
        else {
          sent = Math.min(FRAMES.length, sent + pick(6));
          for (const again of resumed(sent, transcript.lastSeq)) transcript.frame(again);
        }
        if (pick(3) === 0) transcript.frame(frame);
        const old = FRAMES[pick(sent)];
        if (old?.seq) transcript.frame(old);
      }
      for (const frame of resumed(sent, transcript.lastSeq)) transcript.frame(frame);
      expect(contents(transcript), `seed ${seed}`).toEqual(whole);
    }
  });

  it('shows the same unfinished text to who was there and to who joins in the middle', () => {
    for (let upTo = 1; upTo <= FRAMES.length; upTo++) {
      const present = opened(FRAMES.slice(0, upTo));
      const joined = opened(resumed(upTo, 0));
      const texts = (one: Transcript): unknown =>
        find(one, 'answer').map(({ messageId, text, reasoning }) => [messageId, text, reasoning]);
      expect(texts(joined), `after ${upTo} frames`).toEqual(texts(present));
    }
  });

  it('begins anew when the log is another one than it was', () => {
    const transcript = opened(FRAMES);
    transcript.reset();
    expect(transcript.order).toEqual([]);
    for (const frame of FRAMES) transcript.frame(frame);
    expect(contents(transcript)).toEqual(whole);
  });

  it('tells nobody of a long log before it has come, and then of all of it once', () => {
    const transcript = opened();
    const lengths: number[] = [];
    transcript.subscribe(({ order }) => order && lengths.push(transcript.order.length));
    const [recovered, ...rest] = resumed(FRAMES.length, 0);
    transcript.frame(recovered as Frame);
    const last = rest.at(-1) as Frame;
    for (const frame of rest.slice(0, -1)) transcript.frame(frame);
    expect([lengths.filter((length) => length > 0), transcript.missing]).toEqual([[], 1]);
    transcript.frame(last);
    expect([lengths.at(-1), transcript.missing]).toEqual([whole.entries.length, 0]);
  });

  it('makes the end of a log out of what stands behind a place in it', () => {
    const after = FRAMES.findLast((frame) => frame.type === 'message' && frame.data.role === 'user')?.seq ?? 0;
    const end = new Transcript(atOnce, after - 1);
    for (const frame of FRAMES) end.frame(frame);
    expect(contents(end).entries).toEqual(whole.entries.slice(-end.order.length));
    expect(end.order.length).toBeGreaterThan(2);
  });

  it('takes nothing behind a gap', () => {
    const [first, , , fourth] = FRAMES.filter((frame) => frame.seq);
    const transcript = opened([first as Frame, fourth as Frame]);
    expect([transcript.lastSeq, transcript.order.length]).toEqual([1, 1]);
  });
});

function asked(): ReturnType<typeof recorder> {
  const record = recorder(() => 't');
  record.durable('message', { message_id: 'u', role: 'user', text: 'Hi' });
  return record;
}

describe('what was looked up for a message', () => {
  it('stands between the message and the answer, apart from what was attached', () => {
    const transcript = opened(FRAMES);
    const kinds = transcript.order.map((key) => transcript.entry(key)?.kind);
    expect(kinds.indexOf('found')).toBeLessThan(kinds.indexOf('answer'));
    expect(find(transcript, 'user')[0]?.attached.map((one) => one.path)).toEqual(['main.py']);
    expect(find(transcript, 'attached')).toEqual([]);
    const [found, ...others] = find(transcript, 'found');
    expect(others).toEqual([]);
    expect(found?.pieces).toEqual([
      { path: 'src/print.py', from: 3, to: 9 },
      { path: 'src/print.py', from: 20, to: 20 },
      { path: 'a\u202eb.py', from: 1, to: 4 },
    ]);
  });
});

describe('an answer', () => {
  it('counts offsets in characters, so that none is doubled or lost', () => {
    const record = asked();
    const text = 'a👍b🎉c';
    stream(record, 'm', text, { size: 1 });
    record.passing('token', { message_id: 'm', agent: 'ask', text: '👍b🎉cd', offset: 1 });
    record.passing('token', { message_id: 'm', agent: 'ask', text: 'gap', offset: 40 });
    expect(find(opened(record.frames), 'answer')[0]?.text).toBe(`${text}d`);
  });

  it('is begun anew when its model failed', () => {
    const cut = FRAMES.findIndex((frame) => frame.type === 'restarted');
    const before = opened(FRAMES.slice(0, cut));
    expect(find(before, 'answer').map((answer) => answer.status)).toEqual(['writing']);
    before.frame(FRAMES[cut] as Frame);
    expect(find(before, 'answer')).toEqual([]);
    expect(find(before, 'restarted')[0]?.reason).toBe('The connection broke.');
  });

  it('keeps what there was of it when it is stopped, and stands still after the turn', () => {
    const transcript = opened(FRAMES);
    const last = find(transcript, 'answer').at(-1) as AnswerView;
    expect([last.text, last.status]).toEqual(['Running', 'cancelled']);
    transcript.frame({
      type: 'token',
      data: { message_id: 'a9', agent: 'ask', text: 'late', offset: 0 },
    });
    expect(find(transcript, 'answer').at(-1)).toBe(last);
  });
});

function at(type: string): number {
  return FRAMES.findIndex((frame) => frame.type === type) + 1;
}

function call(upTo: number): CallView {
  return find(opened(FRAMES.slice(0, upTo)), 'call')[0] as CallView;
}

describe('a tool call', () => {
  it('waits, runs with its live output, and ends with its result', () => {
    const waiting = call(at('tool_call'));
    expect([waiting.status, waiting.approval?.status]).toEqual(['waiting', 'pending']);
    expect(call(at('approval_expiring')).approval?.expiring).toBe(true);
    const running = call(at('tool_output'));
    expect([running.status, running.liveOutput]).toEqual(['running', 'writing…']);
    expect(running.approval).toMatchObject({ status: 'approved', by: 'ann', expiring: false });
    const done = call(FRAMES.length);
    expect(done).toMatchObject({ status: 'ok', liveOutput: '', checkpointId: 'k1' });
    expect(done.result).toMatchObject({ ok: true, output: 'Written.', durationMs: 12 });
  });

  it('that is asked about again keeps its place', () => {
    const request = FRAMES.find((frame) => frame.type === 'tool_call');
    const transcript = opened(FRAMES.slice(0, at('tool_call')));
    const order = [...transcript.order];
    const seq = transcript.lastSeq + 1;
    const data = { ...request?.data, approval_id: 'p9', preview: 'new' };
    transcript.frame({ ...(request as Frame), seq, data } as Frame);
    expect(transcript.order).toEqual(order);
    expect(find(transcript, 'call')[0]?.approval?.id).toBe('p9');
    expect(transcript.status.waitingCalls).toHaveLength(1);
  });

  it('that was rejected is no failure, and none is left running after its turn', () => {
    const frames = FRAMES.map((frame) =>
      frame.type === 'approval'
        ? { ...frame, data: { ...frame.data, status: 'rejected' as const, feedback: 'No.' } }
        : frame,
    );
    const transcript = opened(frames);
    expect(find(transcript, 'call').map((each) => each.status)).toEqual(['rejected', 'stopped']);
    expect(transcript.status.waitingCalls).toEqual([]);
  });
});

describe('a session', () => {
  it('knows what it has used, whether it is busy, and what models are still shown', () => {
    const running = opened(FRAMES.slice(0, FRAMES.length - 2));
    expect(running.status).toMatchObject({ busy: true, turnId: 't-two', stopReason: '' });
    const { status } = opened(FRAMES);
    expect(status).toMatchObject({ busy: false, stopReason: 'error', checkpoints: 2 });
    expect(status.usage).toMatchObject({ inputTokens: 200, estimated: true });
    expect(status.turnUsage.inputTokens).toBe(0);
    expect(inForce(status.waysBack)(10)).toBe(true);
    expect(inForce(status.waysBack)(20)).toBe(false);
  });

  it('shows again what an undone way back had hidden', () => {
    const shown = inForce([
      { seq: 20, throughSeq: 10 },
      { seq: 30, throughSeq: 19 },
    ]);
    expect([5, 15, 25, 31].map((seq) => shown(seq))).toEqual([true, true, false, true]);
  });

  it('tells of changes once a frame, and of nothing that has not changed', () => {
    const due: (() => void)[] = [];
    const transcript = new Transcript((run) => due.push(run));
    const told: string[][] = [];
    transcript.subscribe((changes) => told.push([...changes.entries]));
    for (const frame of FRAMES.slice(0, 60)) transcript.frame(frame);
    expect(due).toHaveLength(1);
    due.shift()?.();
    expect(told[0]?.length).toBeGreaterThan(3);
    const before = transcript.entry('message u1');
    transcript.frame(FRAMES[60] as Frame);
    transcript.frame(FRAMES[61] as Frame);
    due.shift()?.();
    expect(told[1]?.length).toBeLessThan(3);
    expect(transcript.entry('message u1')).toBe(before);
  });

  it('takes ten thousand messages in a moment', () => {
    const record = recorder(() => 't');
    for (let index = 0; index < 10_000; index++) {
      const role = index % 2 ? 'assistant' : 'user';
      record.durable('message', { message_id: `m${index}`, role, text: `Message ${index}` });
    }
    const start = performance.now();
    expect(opened(record.frames).order).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
