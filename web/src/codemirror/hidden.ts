import { highlightSpecialChars } from '@codemirror/view';
import type { Extension } from '@codemirror/state';

import { HIDDEN, nameOf } from '../ui/visible';

/** Shows characters that could deceive the eye by their numbers, as everywhere in the interface. */
export const hiddenCharacters: Extension = highlightSpecialChars({
  addSpecialChars: HIDDEN,
  render(code, description) {
    const mark = document.createElement('span');
    mark.className = 'cm-specialChar';
    mark.textContent = code === 13 ? 'CR' : nameOf(String.fromCodePoint(code));
    mark.role = 'img';
    mark.title = mark.ariaLabel = description ?? mark.textContent;
    return mark;
  },
});
