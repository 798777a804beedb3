import { storage } from '../browser/storage';
import type { Options } from '../codemirror/setup';

const KEY = 'codelab.editor';
const FIRST: Options = { showsWhitespace: false, wraps: false };

function stored(): Options {
  return { ...FIRST, ...(storage.json(KEY) as Partial<Options> | null) };
}

class Choice {
  #current = $state.raw<Options>(stored());

  /** How all editors look; kept in this browser. */
  get current(): Options {
    return this.#current;
  }

  /** Turns an option around. */
  toggle(name: keyof Options): void {
    this.#current = { ...this.#current, [name]: !this.#current[name] };
    storage.setItem(KEY, JSON.stringify(this.#current));
  }
}

export const options = new Choice();
