import { storage } from '../browser/storage';

const KEY = 'codelab.layout';

interface Sizes {
  panel: number;
  assistant: number;
  lower: number;
}

interface Stored {
  sizes: Sizes;
  panelId: string | null;
  lowerId: string | null;
  assistantShown: boolean;
}

const FIRST: Stored = {
  sizes: { panel: 260, assistant: 420, lower: 240 },
  panelId: 'files',
  lowerId: null,
  assistantShown: true,
};

/** What was kept, as far as it is what this version keeps. */
function stored(): Stored {
  const kept = (storage.json(KEY) ?? {}) as Partial<Record<keyof Stored, unknown>>;
  const sizes = (kept.sizes ?? {}) as Partial<Record<keyof Sizes, unknown>>;
  const size = (name: keyof Sizes): number => {
    const value = sizes[name];
    return typeof value === 'number' && value > 0 ? value : FIRST.sizes[name];
  };
  const id = (name: 'panelId' | 'lowerId'): string | null => {
    const value = kept[name];
    return typeof value === 'string' || value === null ? value : FIRST[name];
  };
  return {
    sizes: { panel: size('panel'), assistant: size('assistant'), lower: size('lower') },
    panelId: id('panelId'),
    lowerId: id('lowerId'),
    assistantShown: kept.assistantShown !== false,
  };
}

class Layout {
  #kept = $state<Stored>(stored());
  /** On a phone: which one pane is shown. */
  phonePane = $state('assistant');
  isNarrow = $state(false);

  constructor() {
    const query = window.matchMedia('(max-width: 899px)');
    this.isNarrow = query.matches;
    query.addEventListener('change', (event) => {
      this.isNarrow = event.matches;
    });
  }

  /** Sizes of the panes in pixels. */
  get sizes(): Sizes {
    return this.#kept.sizes;
  }

  /** The panel beside the editor, or none. */
  get panelId(): string | null {
    return this.#kept.panelId;
  }

  /** The pane under the editor, or none. */
  get lowerId(): string | null {
    return this.#kept.lowerId;
  }

  get assistantShown(): boolean {
    return this.#kept.assistantShown;
  }

  /** Shows a panel, or hides it when it is shown and `toggle` is asked for. */
  showPanel(id: string, { toggle = false }: { toggle?: boolean } = {}): void {
    this.phonePane = id;
    this.#kept.panelId = toggle && this.#kept.panelId === id && !this.isNarrow ? null : id;
    this.save();
  }

  /** Shows a pane under the editor, or none. */
  showLower(id: string | null): void {
    this.#kept.lowerId = id;
    if (id !== null) this.phonePane = 'editor';
    this.save();
  }

  /** Shows or hides the assistant. */
  showAssistant(shown: boolean): void {
    this.#kept.assistantShown = shown;
    if (shown) this.phonePane = 'assistant';
    this.save();
  }

  /** Brings the editor area to the front, where only one pane is shown. */
  showEditor(): void {
    this.phonePane = 'editor';
  }

  /** Keeps the sizes in this browser. */
  save(): void {
    storage.setItem(KEY, JSON.stringify(this.#kept));
  }
}

/** Which panes are shown, and how large. */
export const layout = new Layout();
