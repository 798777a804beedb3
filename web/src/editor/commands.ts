import { foldAll, unfoldAll } from '@codemirror/language';
import { nextDiagnostic } from '@codemirror/lint';
import { gotoLine, openSearchPanel } from '@codemirror/search';
import type { EditorView } from '@codemirror/view';

import type { Command } from '../keys/commands.svelte';
import { askAbout } from '../workbench/asking';
import { selection } from '../workbench/selection.svelte';
import { documents } from './documents.svelte';
import { t } from './messages';
import type { OpenDocument } from './open-document.svelte';
import { options } from './options.svelte';
import { ASK } from './selection-action';

/** What can be done with the file in front. */
export function editorCommands(document: OpenDocument, showPreview: (() => void) | null): Command[] {
  const inView = (run: (view: EditorView) => unknown) => () => {
    const { view } = document;
    if (!view) return;
    view.focus();
    run(view);
  };
  const all: Command[] = [
    { id: 'save', title: () => t('save'), keys: 'Ctrl+S', run: () => void documents.save(document) },
    { id: 'save-all', title: () => t('saveAll'), keys: 'Ctrl+Alt+S', run: () => void documents.saveAll() },
    { id: 'find-in-file', title: () => t('find'), keys: 'Ctrl+F', run: inView(openSearchPanel) },
    { id: 'go-to-line', title: () => t('goToLine'), keys: 'Ctrl+G', run: inView(gotoLine) },
    { id: 'next-problem', title: () => t('nextProblem'), keys: 'F8', run: inView(nextDiagnostic) },
    { id: 'fold-all', title: () => t('foldAll'), run: inView(foldAll) },
    { id: 'unfold-all', title: () => t('unfoldAll'), run: inView(unfoldAll) },
    { id: 'whitespace', title: () => t('whitespace'), run: () => options.toggle('showsWhitespace') },
    { id: 'wrap', title: () => t('wrap'), keys: 'Alt+Z', run: () => options.toggle('wraps') },
    { id: ASK, title: () => t('ask'), when: () => selection.current !== null, run: askAbout },
  ];
  if (showPreview) all.push({ id: 'preview', title: () => t('preview'), keys: 'Ctrl+K V', run: showPreview });
  return all;
}
