import { foldAll, unfoldAll } from '@codemirror/language';
import { nextDiagnostic } from '@codemirror/lint';
import { gotoLine, openSearchPanel } from '@codemirror/search';
import type { EditorView } from '@codemirror/view';

import type { Command } from '../keys/commands.svelte';
import { askAbout } from '../workbench/asking';
import { selection } from '../workbench/selection.svelte';
import { documents } from './documents.svelte';
import { editorKeys } from './keys';
import type { OpenDocument } from './open-document.svelte';
import { options } from './options.svelte';

/** What can be done with the file in front. */
export function editorCommands(document: OpenDocument, showPreview: (() => void) | null): Command[] {
  const inView = (run: (view: EditorView) => unknown) => () => {
    const { view } = document;
    if (!view) return;
    view.focus();
    run(view);
  };
  const all: Command[] = [
    { ...editorKeys.save, run: () => void documents.save(document) },
    { ...editorKeys.saveAll, run: () => void documents.saveAll() },
    { ...editorKeys.find, within: '.cm-editor', run: inView(openSearchPanel) },
    { ...editorKeys.goToLine, run: inView(gotoLine) },
    { ...editorKeys.nextProblem, run: inView(nextDiagnostic) },
    { ...editorKeys.foldAll, run: inView(foldAll) },
    { ...editorKeys.unfoldAll, run: inView(unfoldAll) },
    { ...editorKeys.whitespace, run: () => options.toggle('showsWhitespace') },
    { ...editorKeys.wrap, run: () => options.toggle('wraps') },
    { ...editorKeys.ask, when: () => selection.current !== null, run: askAbout },
  ];
  if (showPreview) all.push({ ...editorKeys.preview, run: showPreview });
  return all;
}
