/** Which part of a session's log models are still shown after it went back to checkpoints. */

export interface WayBack {
  readonly seq: number;
  readonly throughSeq: number;
}

/** The stretches of the log that count: each behind one place, through another. Going back brings
 * about what there was then: what an earlier way back had hidden comes back with it. */
export function inForce(waysBack: readonly WayBack[]): (seq: number) => boolean {
  const stretches: [number, number][] = [];
  let through = Infinity;
  for (const way of waysBack.toSorted((a, b) => b.seq - a.seq)) {
    if (way.seq > through) continue; // A later one has undone it.
    stretches.push([way.seq, through]);
    through = way.throughSeq;
  }
  stretches.push([0, through]);
  return (seq) => stretches.some(([after, last]) => after < seq && seq <= last);
}
