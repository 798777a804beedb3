/** What browsers offer as `localStorage`, as far as it is needed here. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

/**
 * Keeps what a browser lets us keep; what it refuses, because it is full or may not be used, lasts
 * as long as the page.
 */
export class Kept {
  readonly #here = new Map<string, string>();

  constructor(readonly store: Store | null) {}

  getItem(key: string): string | null {
    return this.#here.get(key) ?? this.#try((store) => store.getItem(key)) ?? null;
  }

  setItem(key: string, value: string): void {
    const isKept = this.#try((store) => {
      store.setItem(key, value);
      return true;
    });
    if (isKept) {
      this.#here.delete(key);
      return;
    }
    // What was there before would be taken for this one after a reload.
    this.removeItem(key);
    this.#here.set(key, value);
  }

  removeItem(key: string): void {
    this.#here.delete(key);
    this.#try((store) => store.removeItem(key));
  }

  /** Reads what was written as JSON; none where it is something else. */
  json(key: string): unknown {
    try {
      return JSON.parse(this.getItem(key) ?? 'null');
    } catch {
      return null;
    }
  }

  #try<T>(action: (store: Store) => T): T | undefined {
    try {
      return this.store ? action(this.store) : undefined;
    } catch {
      return undefined;
    }
  }
}

function offered(): Store | null {
  try {
    return window.localStorage;
  } catch {
    // Cookies and all that is like them are blocked.
    return null;
  }
}

/** This browser's memory. */
export const storage = new Kept(offered());
