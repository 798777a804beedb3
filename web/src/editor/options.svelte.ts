import type { Options } from './setup';

const KEY = 'codelab.editor';
const FIRST: Options = { showsWhitespace: false, wraps: false };

function stored(): Options {
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Options>) };
  } catch {
    return FIRST;
  }
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
    localStorage.setItem(KEY, JSON.stringify(this.#current));
  }
}

export const options = new Choice();
