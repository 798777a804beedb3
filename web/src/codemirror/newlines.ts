/** How the lines of a text end; `mixed` ones are kept as they are. */
export type Newline = 'LF' | 'CRLF' | 'mixed';

/** Tells how the lines of a text end. */
export function newlineOf(text: string): Newline {
  if (!text.includes('\r')) return 'LF';
  let pairs = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (text[at - 1] !== '\r') return 'mixed';
    pairs += 1;
  }
  for (let at = text.indexOf('\r'); at !== -1; at = text.indexOf('\r', at + 1)) pairs -= 1;
  return pairs === 0 ? 'CRLF' : 'mixed';
}

/** What separates the lines of such a text. */
export function separatorOf(newline: Newline): '\n' | '\r\n' {
  return newline === 'CRLF' ? '\r\n' : '\n';
}
