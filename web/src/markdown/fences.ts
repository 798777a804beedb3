const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;

interface Fence {
  marker: string;
  opening: string;
}

function after(line: string, open: Fence | null): Fence | null {
  const found = FENCE.exec(line);
  const marker = found?.[1];
  const info = found?.[2] ?? '';
  if (!marker) return open;
  if (!open) return marker.startsWith('`') && info.includes('`') ? null : { marker, opening: line };
  const closes = marker[0] === open.marker[0] && marker.length >= open.marker.length && !info.trim();
  return closes ? null : open;
}

/** Returns the line that opened the fence in which a text ends, or nothing if it ends outside. */
export function openFence(text: string): string {
  let open: Fence | null = null;
  for (const line of text.split('\n')) open = after(line, open);
  return open?.opening.trim() ?? '';
}

/**
 * Says whether a message goes on in the fence in which the one before it was broken off by a tool
 * call: unless it opens a fence of its own, or has come to its end without closing any.
 */
export function goesOn(fence: string, text: string, complete: boolean): boolean {
  if (!fence) return false;
  const first = text.split('\n').find((line) => FENCE.test(line));
  if (first === undefined) return !complete;
  return after(first, after(fence, null)) === null;
}
