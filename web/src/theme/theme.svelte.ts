import { storage } from '../browser/storage';

export type Theme = 'light' | 'dark' | 'system';

const KEY = 'codelab.theme';

function stored(): Theme {
  const value = storage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
}

class ThemeChoice {
  #choice = $state<Theme>(stored());
  #systemIsDark = $state(false);

  constructor() {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    this.#systemIsDark = query.matches;
    query.addEventListener('change', (event) => {
      this.#systemIsDark = event.matches;
    });
    this.#apply();
  }

  /** What the user chose; kept in this browser. */
  get choice(): Theme {
    return this.#choice;
  }

  set choice(value: Theme) {
    this.#choice = value;
    storage.setItem(KEY, value);
    this.#apply();
  }

  /** What is shown now. */
  get isDark(): boolean {
    return this.#choice === 'system' ? this.#systemIsDark : this.#choice === 'dark';
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.#choice;
  }
}

/** The interface's colours. */
export const theme = new ThemeChoice();
