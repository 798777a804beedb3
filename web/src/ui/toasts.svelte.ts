/** A short notice at the edge of the page. */
export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  action?: { label: string; run: () => void } | undefined;
}

const SHOWN_MS = 6000;

class Toasts {
  all = $state<Toast[]>([]);
  #next = 0;

  /** Shows a notice; one that went well goes by itself, one that went wrong stays until closed. */
  show(text: string, tone: Toast['tone'] = 'plain', action?: Toast['action']): void {
    this.#next += 1;
    const id = this.#next;
    this.all = [...this.all.slice(-3), { id, text, tone, action }];
    if (tone !== 'bad') setTimeout(() => this.close(id), SHOWN_MS);
  }

  /** Takes a notice away. */
  close(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }
}

/** The notices of the page. */
export const toasts = new Toasts();
