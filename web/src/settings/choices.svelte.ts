const ANSWER_KEYS = 'codelab.answer-keys';
const NOTIFICATIONS = 'codelab.notifications';

class Choices {
  #answerKeys = $state(localStorage.getItem(ANSWER_KEYS) !== 'off');
  #notifications = $state(localStorage.getItem(NOTIFICATIONS) === 'on');

  /** Whether Y and N answer an approval that has the focus. */
  get answerKeys(): boolean {
    return this.#answerKeys;
  }

  set answerKeys(value: boolean) {
    this.#answerKeys = value;
    localStorage.setItem(ANSWER_KEYS, value ? 'on' : 'off');
  }

  /** Whether the user wants to be told of what waits while the page is hidden. */
  get notifications(): boolean {
    return this.#notifications;
  }

  set notifications(value: boolean) {
    this.#notifications = value;
    localStorage.setItem(NOTIFICATIONS, value ? 'on' : 'off');
  }
}

/** What a user has chosen that no other part of the interface keeps; kept in this browser too. */
export const choices = new Choices();
