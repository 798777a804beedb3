import { storage } from '../browser/storage';

const NOTIFICATIONS = 'codelab.notifications';

class Choices {
  #notifications = $state(storage.getItem(NOTIFICATIONS) !== 'off');

  /** Whether the user is told of what waits while the page is hidden, once the browser allows it. */
  get notifications(): boolean {
    return this.#notifications;
  }

  set notifications(value: boolean) {
    this.#notifications = value;
    storage.setItem(NOTIFICATIONS, value ? 'on' : 'off');
  }
}

/** What a user has chosen that no other part of the interface keeps; kept in this browser too. */
export const choices = new Choices();
