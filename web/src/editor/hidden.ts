import { highlightSpecialChars } from '@codemirror/view';
import type { Extension } from '@codemirror/state';

import { nameOf } from '../ui/visible';

// What CodeMirror leaves out: the rest of what turns writing around or has no width.
// oxlint-disable-next-line no-misleading-character-class
const MORE = /[\u180e\u200c\u200d\u202a-\u202c\u2060-\u2065\u2068\u206a-\u206f]|[\u{e0000}-\u{e007f}]/gu;

/** Shows characters that could deceive the eye by their numbers, as everywhere in the interface. */
export const hiddenCharacters: Extension = highlightSpecialChars({
  addSpecialChars: MORE,
  render(code, description) {
    const mark = document.createElement('span');
    mark.className = 'cm-specialChar';
    mark.textContent = code === 13 ? 'CR' : nameOf(String.fromCodePoint(code));
    mark.role = 'img';
    mark.title = mark.ariaLabel = description ?? mark.textContent;
    return mark;
  },
});
