import { storage } from '../browser/storage';

/** A choice between on and off that this browser keeps; on until somebody chooses. */
class Switch {
  readonly #key: string;
  #on = $state(true);

  constructor(key: string) {
    this.#key = key;
    this.#on = storage.getItem(key) !== 'off';
  }

  get on(): boolean {
    return this.#on;
  }

  set on(value: boolean) {
    this.#on = value;
    storage.setItem(this.#key, value ? 'on' : 'off');
  }
}

/** Whether Y and N decide inside a card. */
export const cardKeys = new Switch('codelab.approvals.keys');

/** Whether the user is told of what waits while the page is hidden, once the browser allows it. */
export const notifications = new Switch('codelab.notifications');
