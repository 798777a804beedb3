import { indentUnit } from '@codemirror/language';

import { languageOf } from '../codemirror/languages';
import { selection } from '../workbench/selection.svelte';
import type { OpenDocument } from './open-document.svelte';
import { placeOf } from './positions';
import { inFront } from './status.svelte';

/** More than this is no selection that somebody asks about. */
const LONGEST_SELECTION = 20_000;

/** Tells the status bar and the assistant where somebody is in the file in front. */
export function follow(document: OpenDocument): void {
  if (!document.view) return;
  const { doc, selection: selected } = document.state;
  const { main, ranges } = selected;
  const unit = document.state.facet(indentUnit);
  inFront.status = {
    ...placeOf(doc, main.head),
    selected: ranges.reduce((sum, range) => sum + range.to - range.from, 0),
    cursors: ranges.length,
    language: languageOf(document.path)?.name ?? null,
    spaces: unit === '\t' ? null : unit.length,
    encoding: document.encoding,
    newline: document.newline,
    isReadOnly: document.isReadOnly,
    isLarge: document.isLarge,
  };
  selection.current = main.empty
    ? null
    : {
        path: document.path,
        startLine: doc.lineAt(main.from).number,
        endLine: doc.lineAt(main.to).number,
        text: doc.sliceString(main.from, Math.min(main.to, main.from + LONGEST_SELECTION)),
      };
}

/** Nothing is in front any more. */
export function leave(): void {
  inFront.status = null;
  selection.current = null;
}
