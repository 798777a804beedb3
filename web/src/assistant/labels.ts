import type { Lines, Selection } from '../session/view';
import { nameOf } from '../ui/paths';
import { t } from './messages';

/** Names lines of a file, such as "lines 3–9 of x.py". */
export function linesLabel({ path, from, to }: Lines): string {
  return from === to ? t('line', { from, path }) : t('lines', { from, to, path });
}

export function selectionLabel({ path, startLine, endLine }: Selection): string {
  return linesLabel({ path: nameOf(path), from: startLine, to: endLine });
}

/** Says how many files were looked up for a message. */
export function foundLabel(pieces: readonly Lines[]): string {
  return t('readFiles', { n: new Set(pieces.map((one) => one.path)).size });
}
