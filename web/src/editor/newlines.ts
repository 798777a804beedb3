export type Newline = '\n' | '\r\n';

/**
 * Tells which line ending a text keeps.
 *
 * Where they are mixed, lines end with `\n` alone: the editor then shows every `\r` as the
 * character that it is, and saves it.
 */
export function newlineOf(text: string): Newline {
  let at = text.indexOf('\n');
  if (at < 1) return '\n';
  let carriages = 0;
  for (; at !== -1; at = text.indexOf('\n', at + 1)) {
    if (text[at - 1] !== '\r') return '\n';
    carriages += 1;
  }
  for (at = text.indexOf('\r'); at !== -1; at = text.indexOf('\r', at + 1)) carriages -= 1;
  return carriages === 0 ? '\r\n' : '\n';
}

/** Names a line ending as people do. */
export function nameOfNewline(newline: Newline): 'LF' | 'CRLF' {
  return newline === '\n' ? 'LF' : 'CRLF';
}
