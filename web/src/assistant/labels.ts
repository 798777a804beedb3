import type { Selection } from '../session/view';
import { t } from './messages';

/** Names a selection, such as "lines 3–9 of x.py". */
export function selectionLabel({ path, startLine, endLine }: Selection): string {
  const name = path.split('/').at(-1) ?? path;
  if (startLine === endLine) return t('line', { from: startLine, path: name });
  return t('lines', { from: startLine, to: endLine, path: name });
}
