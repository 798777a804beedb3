type Keeper = (from: string, to: string) => boolean;

const keepers = new Set<Keeper>();

/** Takes part when a file with unsaved text gets another path; the keeper says whether it took it along. */
export function onHandOver(keeper: Keeper): () => void {
  keepers.add(keeper);
  return () => keepers.delete(keeper);
}

/** Has what is unsaved of a file kept under its new path; returns whether somebody did. */
export function handOver(from: string, to: string): boolean {
  return [...keepers].some((keep) => keep(from, to));
}
