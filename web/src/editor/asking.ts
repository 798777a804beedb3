import { mount, unmount } from 'svelte';

import ClosingDialog from './ClosingDialog.svelte';

export type Answer = 'save' | 'discard' | 'cancel';

/** Asks what is to become of unsaved text before its tab is closed. */
export function askBeforeClosing(name: string): Promise<Answer> {
  return new Promise((resolve) => {
    const dialog = mount(ClosingDialog, {
      target: document.body,
      props: {
        name,
        onanswer: (answer: Answer) => {
          void unmount(dialog);
          resolve(answer);
        },
      },
    });
  });
}
