import { expect, it } from 'vitest';

import { newlineOf } from './newlines';

it('keeps the line ending that a text has throughout, and loses none of a mixed one', () => {
  expect(newlineOf('a\r\nb\r\n')).toBe('\r\n');
  expect(newlineOf('\r\n')).toBe('\r\n');
  for (const text of ['', 'a', 'a\nb', 'a\r\nb\n', '\na\r\n', 'a\rb', 'a\r\nb\rc\r\n', 'a\r\r\n']) {
    expect(newlineOf(text), JSON.stringify(text)).toBe('\n');
  }
});
