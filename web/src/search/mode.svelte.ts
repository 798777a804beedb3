import { storage } from '../browser/storage';

/** What is searched for: text, code by a description, or symbols by a name. */
export const MODES = ['text', 'code', 'symbol'] as const;
export type Mode = (typeof MODES)[number];

const KEPT = 'codelab.search';

class Chosen {
  current = $state<Mode>(MODES.find((each) => each === storage.getItem(KEPT)) ?? 'text');

  /** Chooses a mode, and remembers it in this browser. */
  choose(mode: Mode): void {
    this.current = mode;
    storage.setItem(KEPT, mode);
  }
}

/** The search's mode. */
export const mode = new Chosen();
