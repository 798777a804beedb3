// @vitest-environment happy-dom
import { Terminal, type IBuffer } from '@xterm/xterm';
import { describe, expect, it } from 'vitest';

import { locate } from './finding';

async function printed(text: string): Promise<IBuffer> {
  const terminal = new Terminal({ allowProposedApi: true, cols: 10, rows: 4, scrollback: 100 });
  await new Promise<void>((done) => terminal.write(text, done));
  return terminal.buffer.active;
}

const at = (row: number, col: number) => ({ row, col });

describe('what a terminal holds', () => {
  it('is searched forwards and backwards, and around its end', async () => {
    const buffer = await printed('one two\r\nTWO (x)\r\n');
    const first = { start: at(0, 4), end: at(0, 7) };
    const second = { start: at(1, 0), end: at(1, 3) };
    expect(locate(buffer, 'two', undefined, {})).toEqual(first);
    expect(locate(buffer, 'two', first.start, {})).toEqual(second);
    expect(locate(buffer, 'two', second.start, {})).toEqual(first);
    expect(locate(buffer, 'two', first.start, { back: true })).toEqual(second);
    expect(locate(buffer, 'two (', second.start, { growing: true })?.start).toEqual(second.start);
    expect([locate(buffer, 'three', undefined, {}), locate(buffer, '', undefined, {})]).toEqual([undefined, undefined]);
  });

  it('is found over the end of a row and behind wide letters', async () => {
    const buffer = await printed('漢字 12345678\r\n');
    expect(locate(buffer, '4567', undefined, {})).toEqual({ start: at(0, 8), end: at(1, 2) });
    expect(locate(buffer, '字', undefined, {})).toEqual({ start: at(0, 2), end: at(0, 4) });
  });
});
