/** Which rows of equal height are to be in the page. */
export interface Span {
  first: number;
  /** The one behind the last. */
  end: number;
}

/** Rows beyond the edges, so that scrolling never shows a gap. */
const BEYOND = 10;

/** Finds the rows that are to be seen, and a few more. */
export function spanOf(top: number, room: number, height: number, count: number): Span {
  const first = Math.max(0, Math.min(Math.floor(top / height) - BEYOND, count - 1));
  const end = Math.min(count, Math.ceil((top + room) / height) + BEYOND);
  return { first, end: Math.max(first, end) };
}

/** Where to scroll so that a row is seen; where it is now, if it is seen already. */
export function scrollFor(index: number, top: number, room: number, height: number): number {
  const start = index * height;
  if (start < top) return start;
  return start + height > top + room ? start + height - room : top;
}
