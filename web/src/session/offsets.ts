/** Offsets of streamed text count characters as the server does: code points, not UTF-16 units. */

export function codePoints(text: string): number {
  let pairs = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) {
      pairs++;
      index++;
    }
  }
  return text.length - pairs;
}

/** What a piece adds behind the first `have` characters; nothing if it is known already, or if
 * something before it is missing. */
export function addition(have: number, offset: number, piece: string): string {
  if (offset > have) return '';
  if (offset === have) return piece;
  return Array.from(piece).slice(have - offset).join('');
}
