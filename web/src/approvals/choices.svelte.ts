const KEY = 'codelab.approvals.keys';

class CardKeys {
  #on = $state(localStorage.getItem(KEY) !== 'off');

  /** Whether Y and N decide inside a card. */
  get on(): boolean {
    return this.#on;
  }

  set on(value: boolean) {
    this.#on = value;
    localStorage.setItem(KEY, value ? 'on' : 'off');
  }
}

/** Whether keys decide inside a card; kept in this browser. */
export const cardKeys = new CardKeys();
