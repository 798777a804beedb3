import { StateField, type EditorState } from '@codemirror/state';
import { EditorView, showTooltip, type Tooltip } from '@codemirror/view';

import { commands } from '../keys/commands.svelte';
import { editorKeys } from './keys';
import { t } from './messages';

/** A small button at the end of what is selected: ask the assistant about it. */
export const askingAboutSelection = [
  StateField.define<Tooltip | null>({
    create: tooltipOf,
    update: (tooltip, transaction) =>
      transaction.docChanged || transaction.selection ? tooltipOf(transaction.state) : tooltip,
    provide: (field) => showTooltip.from(field),
  }),
  EditorView.theme({
    '.cm-askSelection': {
      display: 'block',
      minHeight: '26px',
      padding: '0 8px',
      border: '0',
      borderRadius: 'var(--radius)',
      background: 'var(--bg-raised)',
      color: 'var(--text)',
      font: '12px var(--font)',
      cursor: 'pointer',
    },
    '.cm-askSelection:hover': { background: 'var(--bg-hover)' },
    '.cm-askSelection kbd': { marginLeft: '8px' },
  }),
];

function tooltipOf(state: EditorState): Tooltip | null {
  const { main, ranges } = state.selection;
  const isWorthAsking = ranges.length === 1 && /\S/.test(state.sliceDoc(main.from, Math.min(main.to, main.from + 1000)));
  return isWorthAsking ? { pos: main.head, above: main.head === main.from, create: () => ({ dom: button() }) } : null;
}

function button(): HTMLElement {
  const ask = document.createElement('button');
  ask.type = 'button';
  ask.className = 'cm-askSelection';
  ask.textContent = t('ask');
  const keys = commands.keysOf('assistant');
  if (keys) {
    const hint = document.createElement('kbd');
    hint.textContent = keys;
    ask.append(hint);
  }
  // The selection stays: the button must not take the focus before it is used.
  ask.addEventListener('mousedown', (event) => event.preventDefault());
  ask.addEventListener('click', () => commands.run(editorKeys.ask.id));
  return ask;
}
