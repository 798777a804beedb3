import { account } from '../auth/account.svelte';
import { notifications } from './choices.svelte';
import { t } from './messages';
import { waiting } from './waiting.svelte';

const COUNTED = /^\(\d+\) /;

class Attention {
  /** What the browser allows: nothing is asked before the user has clicked. */
  permission = $state<NotificationPermission | 'missing'>(
    'Notification' in window ? Notification.permission : 'missing',
  );

  constructor() {
    waiting.onArrival(({ approval_id: tag, agent, tool }) => {
      if (document.hidden && this.permission === 'granted' && notifications.on) this.#notify(tag, t('asks', { agent, tool }));
    });
  }

  /** Asks the browser; only ever on a click of the user's. */
  async ask(): Promise<void> {
    if (this.permission === 'default') this.permission = await Notification.requestPermission();
  }

  #notify(tag: string, body: string): void {
    const shown = new Notification('CodeLab', { body, tag });
    shown.addEventListener('click', () => {
      window.focus();
      shown.close();
    });
  }
}

/** Tells the user of what waits while they look elsewhere. */
export const attention = new Attention();

$effect.root(() => {
  $effect(() => {
    const count = waiting.count;
    const write = (): void => {
      const name = document.title.replace(COUNTED, '');
      const wanted = count > 0 ? `(${count}) ${name}` : name;
      if (document.title !== wanted) document.title = wanted;
    };
    write();
    // Pages name themselves; the count stays in front whatever they are called.
    const observer = new MutationObserver(write);
    observer.observe(document.head, { childList: true, characterData: true, subtree: true });
    return () => observer.disconnect();
  });
  $effect(() => {
    if (account.state === 'signed_out') waiting.clear();
  });
});
