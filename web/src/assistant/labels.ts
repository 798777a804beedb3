import type { Selection } from '../session/view';
import { nameOf } from '../ui/paths';
import { t } from './messages';

/** Names a selection, such as "lines 3–9 of x.py". */
export function selectionLabel({ path, startLine, endLine }: Selection): string {
  const name = nameOf(path);
  if (startLine === endLine) return t('line', { from: startLine, path: name });
  return t('lines', { from: startLine, to: endLine, path: name });
}
