// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';

class FakeSocket extends EventTarget {
  static all: FakeSocket[] = [];
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  readyState = 1;
  isClosed = false;
  sent: string[] = [];

  constructor() {
    super();
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }

  says(frame: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
  }

  hello(version = '1'): void {
    this.says({ type: 'hello', data: { version, limits: {}, ping_interval_s: 20, user_id: 'u' } });
  }

  lose(code: number): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

const asked: string[] = [];

async function connected() {
  vi.resetModules();
  const { keep } = await import('../api/tokens');
  keep({ access_token: 'a', refresh_token: 'r', expires_in: 900 });
  const { connection } = await import('./connection.svelte');
  connection.open();
  await vi.advanceTimersByTimeAsync(10);
  return connection;
}

function socket(): FakeSocket {
  const last = FakeSocket.all.at(-1);
  if (!last) throw new Error('There was no connection.');
  return last;
}

describe("the page's connection", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.all = [];
    asked.length = 0;
    vi.stubGlobal('WebSocket', FakeSocket);
    vi.stubGlobal('fetch', (request: Request | string) => {
      const url = typeof request === 'string' ? request : request.url;
      asked.push(url.split('/').at(-1) ?? '');
      const pair = { access_token: 'b', refresh_token: 's', expires_in: 900, ticket: 't' };
      return Promise.resolve(Response.json(pair));
    });
    return () => {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    };
  });

  it('is given up where the line swallows everything, before and after it opened', async () => {
    const connection = await connected();
    await vi.advanceTimersByTimeAsync(11_000);
    expect([FakeSocket.all.length, FakeSocket.all[0]?.isClosed]).toEqual([2, true]);
    socket().hello();
    expect(connection.phase).toBe('open');
    await vi.advanceTimersByTimeAsync(24_000);
    expect(socket().sent).toContain('{"type":"ping","data":{}}');
    await vi.advanceTimersByTimeAsync(2000);
    expect(FakeSocket.all[1]?.isClosed).toBe(true);
    socket().hello();
    expect([FakeSocket.all.length, connection.phase, connection.isOutdated]).toEqual([3, 'open', false]);
    connection.close();
  });

  it('is tried at once where the page may have slept, and given up where nobody answers', async () => {
    const connection = await connected();
    socket().hello();
    for (const [place, sign] of [[window, 'focus'], [document, 'resume'], [window, 'online']] as const) {
      const { sent } = socket();
      const before = sent.length;
      place.dispatchEvent(new Event(sign));
      expect([sign, sent.slice(before)]).toEqual([sign, ['{"type":"ping","data":{}}']]);
    }
    await vi.advanceTimersByTimeAsync(5100);
    expect([FakeSocket.all[0]?.isClosed, connection.phase]).toEqual([true, 'offline']);
    connection.close();
  });

  it('asks for a new token where it was refused, and takes its time', async () => {
    const connection = await connected();
    socket().hello();
    asked.length = 0;
    socket().lose(4501);
    await vi.advanceTimersByTimeAsync(100);
    expect([asked, FakeSocket.all.length]).toEqual([['refresh'], 1]);
    await vi.advanceTimersByTimeAsync(600);
    expect([asked, FakeSocket.all.length]).toEqual([['refresh', 'ws-ticket'], 2]);
    connection.close();
  });

  it('notices that the server has become another version', async () => {
    const connection = await connected();
    socket().hello('1');
    socket().lose(1012);
    await vi.advanceTimersByTimeAsync(1000);
    expect(connection.isOutdated).toBe(false);
    socket().hello('2');
    expect(connection.isOutdated).toBe(true);
    connection.close();
  });
});
