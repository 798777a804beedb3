import { standardKeymap } from '@codemirror/commands';
import { MergeView, getChunks, goToNextChunk, goToPreviousChunk, unifiedMergeView } from '@codemirror/merge';
import { searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';

import { loadLanguage } from '../codemirror/languages';
import { editing, reading } from '../codemirror/setup';

/** What is compared, and how it is shown. */
export interface Comparison {
  path: string;
  before: string;
  after: string;
  isSplit: boolean;
  isEditable: boolean;
  labels: { before: string; after: string };
  phrases: Extension;
  /** Hears of what becomes of the second text, and how many changes there are then. */
  onchange(text: string, changes: number): void;
}

/** Two texts that are shown with what differs. */
export interface Shown {
  step(by: 1 | -1): void;
  destroy(): void;
}

const COLLAPSED = { margin: 3, minSize: 4 };
// Two large texts with nothing in common would be compared for minutes.
const DIFF = { scanLimit: 2000, timeout: 300 };

/** Shows two texts with what differs, side by side or one below the other. */
export function compare(host: HTMLElement, comparison: Comparison): Shown {
  const language = new Compartment();
  const shared = [language.of([]), comparison.phrases];
  const first = [reading(), shared, fixed(), labelled(comparison.labels.before)];
  const second = [
    comparison.isEditable ? editing() : [reading(), fixed()],
    shared,
    labelled(comparison.labels.after),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) tell(update.view);
    }),
  ];
  const tell = (view: EditorView) =>
    comparison.onchange(view.state.doc.toString(), getChunks(view.state)?.chunks.length ?? 0);
  const made = comparison.isSplit ? split(host, comparison, first, second) : unified(host, comparison, second);
  tell(made.view);
  void colour();
  async function colour() {
    const support = await loadLanguage(comparison.path, comparison.after.length).catch(() => null);
    if (support) for (const view of made.views) view.dispatch({ effects: language.reconfigure(support) });
  }
  return {
    step(by) {
      made.view.focus();
      (by === 1 ? goToNextChunk : goToPreviousChunk)(made.view);
    },
    destroy: made.destroy,
  };
}

interface Made {
  /** The one with the second text. */
  view: EditorView;
  views: EditorView[];
  destroy(): void;
}

function split(parent: HTMLElement, { before, after, isEditable }: Comparison, first: Extension, second: Extension): Made {
  const merge = new MergeView({
    a: { doc: before, extensions: first },
    b: { doc: after, extensions: second },
    parent,
    collapseUnchanged: COLLAPSED,
    diffConfig: DIFF,
    ...(isEditable ? { revertControls: 'a-to-b' as const } : {}),
  });
  return { view: merge.b, views: [merge.a, merge.b], destroy: () => merge.destroy() };
}

function unified(parent: HTMLElement, { before, after, isEditable }: Comparison, second: Extension): Made {
  const comparing = unifiedMergeView({
    original: before,
    mergeControls: isEditable,
    collapseUnchanged: COLLAPSED,
    diffConfig: DIFF,
  });
  const view = new EditorView({ parent, state: EditorState.create({ doc: after, extensions: [second, comparing] }) });
  return { view, views: [view], destroy: () => view.destroy() };
}

function fixed(): Extension {
  return [EditorState.readOnly.of(true), keymap.of([...standardKeymap, ...searchKeymap])];
}

function labelled(label: string): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' });
}
