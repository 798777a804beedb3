import { storage } from '../browser/storage';

const KEY = 'codelab.approvals.keys';

class CardKeys {
  #on = $state(storage.getItem(KEY) !== 'off');

  /** Whether Y and N decide inside a card. */
  get on(): boolean {
    return this.#on;
  }

  set on(value: boolean) {
    this.#on = value;
    storage.setItem(KEY, value ? 'on' : 'off');
  }
}

/** Whether keys decide inside a card; kept in this browser. */
export const cardKeys = new CardKeys();
