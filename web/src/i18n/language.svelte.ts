import { storage } from '../browser/storage';
import type { Language } from './catalogue';

const KEY = 'codelab.language';

function chosen(): Language {
  const stored = storage.getItem(KEY);
  if (stored === 'en' || stored === 'ru') return stored;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('ru')) ? 'ru' : 'en';
}

class LanguageChoice {
  #current = $state<Language>(chosen());

  constructor() {
    // Chosen in one tab, it is spoken in all.
    window.addEventListener('storage', (event) => {
      if (event.key === KEY) this.#speak(chosen());
    });
  }

  /** The language that the interface speaks. */
  get current(): Language {
    return this.#current;
  }

  set current(value: Language) {
    storage.setItem(KEY, value);
    this.#speak(value);
  }

  #speak(value: Language): void {
    this.#current = value;
    document.documentElement.lang = value;
  }
}

/** The interface's language; kept in this browser. */
export const language = new LanguageChoice();
document.documentElement.lang = language.current;
