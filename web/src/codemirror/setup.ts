import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightTrailingWhitespace,
  highlightWhitespace,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';

import type { Language } from '../i18n/catalogue';
import { reveal } from '../ui/visible';
import { hiddenCharacters } from './hidden';
import type { Indentation } from './indentation';
import { t } from './messages';
import type { Newline } from './newlines';
import { styleNonce } from './nonce';
import { ENGLISH, RUSSIAN } from './phrases';
import { codeTheme } from './theme';

/** The parts of an editor's configuration that change while it is open. */
export const parts = {
  indentation: new Compartment(),
  language: new Compartment(),
  newline: new Compartment(),
  options: new Compartment(),
  phrases: new Compartment(),
  readOnly: new Compartment(),
};

/** What the user chose about the look of all editors. */
export interface Options {
  showsWhitespace: boolean;
  wraps: boolean;
}

/**
 * What ends a line of what is typed or pasted.
 *
 * Where line endings are mixed, only `\n` does: every `\r` is then shown, and saved, as what it is.
 */
export function newlinePart(newline: Newline): Extension {
  return newline === 'mixed' ? EditorState.lineSeparator.of('\n') : [];
}

/** How it is indented. */
export function indentationPart({ unit, tabWidth }: Indentation): Extension {
  return [indentUnit.of(unit), EditorState.tabSize.of(tabWidth)];
}

/** What it looks like. */
export function optionsPart({ showsWhitespace, wraps }: Options): Extension {
  return [
    showsWhitespace ? highlightWhitespace() : highlightTrailingWhitespace(),
    wraps ? EditorView.lineWrapping : [],
  ];
}

/** What CodeMirror says, in a language. */
export function phrasesOf(language: Language): Extension {
  return EditorState.phrases.of(language === 'ru' ? RUSSIAN : ENGLISH);
}

/** What it says to its user: in which language, and what it is to those who cannot see it. */
export function phrasesPart(language: Language, label: string): Extension {
  return [
    phrasesOf(language),
    EditorView.contentAttributes.of({
      'aria-label': reveal(label),
      'aria-description': t('leave'),
      'data-first-focus': '',
      tabindex: '0',
    }),
  ];
}

/** Whether it can be changed; it can be read and selected in any case. */
export function readOnlyPart(isReadOnly: boolean): Extension {
  return EditorState.readOnly.of(isReadOnly);
}

/** What every editor has, whatever file it shows. */
export function editing(): Extension {
  return [
    reading(),
    history(),
    foldGutter(),
    lintGutter(),
    dropCursor(),
    rectangularSelection(),
    crosshairCursor(),
    indentOnInput(),
    closeBrackets(),
    autocompletion(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
      // Escape, then Tab leaves: CodeMirror sees to that itself.
      indentWithTab,
    ]),
  ];
}

/** What everything that shows code has. */
export function reading(): Extension {
  const nonce = styleNonce();
  return [
    nonce ? EditorView.cspNonce.of(nonce) : [],
    codeTheme,
    lineNumbers(),
    hiddenCharacters,
    drawSelection(),
    bracketMatching(),
    highlightSelectionMatches(),
    search({ top: true }),
    EditorState.allowMultipleSelections.of(true),
  ];
}
