import { expect, it } from 'vitest';

import { newlineOf } from './newlines';

it('tells how the lines of a text end', () => {
  for (const text of ['', 'a', 'a\nb', '\n']) expect(newlineOf(text), JSON.stringify(text)).toBe('LF');
  for (const text of ['a\r\nb\r\n', '\r\n']) expect(newlineOf(text), JSON.stringify(text)).toBe('CRLF');
  for (const text of ['a\r\nb\n', '\na\r\n', 'a\rb', 'a\r\nb\rc\r\n', 'a\r\r\n']) {
    expect(newlineOf(text), JSON.stringify(text)).toBe('mixed');
  }
});
