import type { Store } from '../browser/storage';

/** Text that was not saved before the page went away. */
export interface Draft {
  /** Hash of the file that it began from. */
  base: string;
  text: string;
  at: number;
}

const PREFIX = 'codelab.draft';
/** A longer text is not kept. */
export const LONGEST_DRAFT = 1_000_000;
const LONGEST_TOGETHER = 2_000_000;
const MONTH_MS = 30 * 24 * 3600 * 1000;

/**
 * Keeps unsaved text of one user in this browser, within bounds: the oldest goes first.
 *
 * It is written at once, so that it outlives a reload, a crash and an expired sign-in.
 */
export class Drafts {
  constructor(
    /** None where the browser keeps nothing. */
    private readonly store: Store | null,
    private readonly userId: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Keeps a text; returns whether there was room for it. */
  keep(workspaceId: string, path: string, base: string, text: string): boolean {
    const key = this.#key(workspaceId, path);
    if (text.length > LONGEST_DRAFT) this.store?.removeItem(key);
    if (!this.store || text.length > LONGEST_DRAFT) return false;
    this.#makeRoom(key, text.length);
    try {
      this.store.setItem(key, JSON.stringify({ base, text, at: this.now() } satisfies Draft));
      return true;
    } catch {
      // The browser's own bound, which others share: what was kept last of this text stays.
      return false;
    }
  }

  /** Returns a text that was kept. */
  find(workspaceId: string, path: string): Draft | null {
    return read(this.store?.getItem(this.#key(workspaceId, path)) ?? null);
  }

  /** Forgets a text: it was saved, or given up. */
  forget(workspaceId: string, path: string): void {
    this.store?.removeItem(this.#key(workspaceId, path));
  }

  /** Names the files of a workspace that have unsaved text. */
  paths(workspaceId: string): string[] {
    const start = this.#key(workspaceId, '');
    return this.#keys()
      .filter((key) => key.startsWith(start))
      .map((key) => key.slice(start.length));
  }

  #makeRoom(wanted: string, needed: number): void {
    const others = this.#keys().filter((key) => key !== wanted);
    const kept = others.map((key) => ({ key, draft: read(this.store?.getItem(key) ?? null) }));
    kept.sort((one, other) => (other.draft?.at ?? 0) - (one.draft?.at ?? 0));
    let sum = needed;
    for (const { key, draft } of kept) {
      sum += draft?.text.length ?? 0;
      const isOld = !draft || this.now() - draft.at > MONTH_MS;
      if (isOld || sum > LONGEST_TOGETHER) this.store?.removeItem(key);
    }
  }

  #keys(): string[] {
    const { store } = this;
    const all = Array.from({ length: store?.length ?? 0 }, (_, index) => store?.key(index));
    return all.filter((key): key is string => key?.startsWith(`${PREFIX}/`) ?? false);
  }

  #key(workspaceId: string, path: string): string {
    return `${PREFIX}/${this.userId}/${workspaceId}/${path}`;
  }
}

function read(value: string | null): Draft | null {
  if (value === null) return null;
  try {
    const { base, text, at } = (JSON.parse(value) ?? {}) as Partial<Draft>;
    const isDraft = typeof base === 'string' && typeof text === 'string' && typeof at === 'number';
    return isDraft ? { base, text, at } : null;
  } catch {
    return null;
  }
}
