import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Link, type Ending, type Phase, type Wire } from './link';

class FakeWire implements Wire {
  binaryType = '';
  sent: (string | Uint8Array)[] = [];
  closed = false;
  #listeners: Record<string, (event: never) => void> = {};

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  addEventListener(kind: string, listener: (event: never) => void): void {
    this.#listeners[kind] = listener;
  }

  ready(offset: number, end = offset): void {
    this.#hear({ type: 'ready', data: { offset, end, window: 1000, cols: 80, rows: 24 } });
  }

  exit(): void {
    this.#hear({ type: 'exit', data: { exit_code: 2, reason: 'exited', detail: '' } });
  }

  print(text: string): void {
    this.#call('message', { data: new TextEncoder().encode(text).buffer });
  }

  lose(code: number): void {
    this.#call('close', { code });
  }

  frames(): object[] {
    return this.sent.filter((one) => typeof one === 'string').map((one) => JSON.parse(one) as object);
  }

  #hear(frame: object): void {
    this.#call('message', { data: JSON.stringify(frame) });
  }

  #call(kind: string, event: object): void {
    this.#listeners[kind]?.(event as never);
  }
}

class Bench {
  wires: FakeWire[] = [];
  offsets: number[] = [];
  output = '';
  replayed = '';
  phases: Phase[] = [];
  endings: Ending[] = [];
  refusal: Error | null = null;
  holds = false;
  waiting: (() => void)[] = [];

  readonly link = new Link(
    async (offset) => {
      this.offsets.push(offset);
      if (this.refusal) throw this.refusal;
      const wire = new FakeWire();
      this.wires.push(wire);
      return wire;
    },
    (error) => error instanceof TypeError,
    {
      reset: () => (this.output = ''),
      print: (bytes, isReplay, shown) => {
        const text = new TextDecoder().decode(bytes);
        this.output += text;
        if (isReplay) this.replayed += text;
        if (this.holds) this.waiting.push(shown);
        else shown();
      },
      phase: (phase) => this.phases.push(phase),
      ended: (ending) => this.endings.push(ending),
    },
  );

  get wire(): FakeWire {
    const last = this.wires.at(-1);
    if (!last) throw new Error('There was no connection.');
    return last;
  }

  async connected(offset = 0, end = offset): Promise<FakeWire> {
    await this.link.connect();
    this.wire.ready(offset, end);
    return this.wire;
  }
}

describe("a terminal's connection", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('goes on after a loss where it was', async () => {
    const bench = new Bench();
    (await bench.connected()).print('hello ');
    bench.wire.lose(1006);
    expect(bench.phases.at(-1)).toBe('offline');
    await vi.advanceTimersByTimeAsync(1000);
    expect(bench.offsets).toEqual([0, 6]);
    bench.wire.ready(6, 11);
    bench.wire.print('world');
    expect(bench.output).toBe('hello world');
    // The programs of the gap still wait for their answers.
    expect(bench.replayed).toBe('');
  });

  it('begins anew where its place is not kept any more', async () => {
    const bench = new Bench();
    (await bench.connected(0, 5)).print('12345');
    expect(bench.replayed).toBe('12345');
    bench.wire.print('live');
    expect(bench.replayed).toBe('12345');
    bench.wire.lose(4004);
    await vi.advanceTimersByTimeAsync(1000);
    bench.wire.ready(100, 103);
    bench.wire.print('new');
    expect(bench.output).toBe('new');
  });

  it('says what is shown, and not what is only received', async () => {
    const bench = new Bench();
    bench.holds = true;
    await bench.connected();
    bench.wire.print('x'.repeat(20_000));
    bench.wire.print('x'.repeat(20_000));
    bench.wire.print('x'.repeat(20_000));
    expect(bench.wire.frames()).toEqual([]);
    for (const shown of bench.waiting.splice(0, 2)) shown();
    expect(bench.wire.frames()).toEqual([{ type: 'ack', data: { offset: 40_000 } }]);
    bench.waiting[0]?.();
    expect(bench.wire.frames().at(-1)).toEqual({ type: 'ack', data: { offset: 60_000 } });
  });

  it('sends its size with each connection, and long texts in pieces', async () => {
    const bench = new Bench();
    bench.link.resize(100, 30);
    bench.link.type(new Uint8Array(3));
    const size = { type: 'resize', data: { cols: 100, rows: 30 } };
    const wire = await bench.connected();
    expect(wire.sent).toEqual([JSON.stringify(size)]);
    bench.link.resize(100, 30);
    bench.link.type(new Uint8Array(150_000));
    expect(wire.sent.slice(1).map((one) => one.length)).toEqual([65_536, 65_536, 18_928]);
  });

  it('does not come back when it has ended, was taken over or is unknown', async () => {
    const ended = new Bench();
    (await ended.connected()).exit();
    ended.wire.lose(4504);
    const taken = new Bench();
    (await taken.connected()).lose(4503);
    const gone = new Bench();
    gone.refusal = new TypeError();
    await gone.link.connect();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([ended, taken, gone].map((bench) => bench.phases.at(-1))).toEqual(['ended', 'taken', 'gone']);
    expect([ended, taken, gone].map((bench) => bench.offsets.length)).toEqual([1, 1, 1]);
    expect(ended.endings[0]?.exit_code).toBe(2);
    await taken.link.connect();
    taken.wire.ready(0);
    expect(taken.phases.at(-1)).toBe('open');
  });

  it('does not wait for ever on a line that swallows everything', async () => {
    const bench = new Bench();
    await bench.link.connect();
    await vi.advanceTimersByTimeAsync(11_000);
    expect(bench.wires[0]?.closed).toBe(true);
    expect(bench.wires.length).toBe(2);
    bench.wire.ready(0);
    bench.wire.print('abc');
    // It looks open, and the page has found out that the network is another one.
    bench.link.renew();
    await vi.advanceTimersByTimeAsync(0);
    expect([bench.offsets.at(-1), bench.wires[1]?.closed]).toEqual([3, true]);
    bench.link.dispose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bench.wires.length).toBe(3);
  });

  it('keeps trying while the server is away, and at once when woken', async () => {
    const bench = new Bench();
    bench.refusal = new Error('away');
    await bench.link.connect();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(bench.offsets.length).toBeGreaterThan(3);
    bench.refusal = null;
    const before = bench.offsets.length;
    bench.link.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.offsets.length).toBe(before + 1);
    bench.link.dispose();
    expect(bench.wire.closed).toBe(true);
  });
});
