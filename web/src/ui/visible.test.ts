import { describe, expect, it } from 'vitest';

import { hidesSomething, pieces, reveal } from './visible';

describe('hidden characters', () => {
  it('shows what turns a name around or has no width', () => {
    expect(reveal('evil\u202etxt.exe')).toBe('evil⟨U+202E⟩txt.exe');
    expect(reveal('a\u200bb\u001b[31m\u{e0041}')).toBe('a⟨U+200B⟩b⟨U+001B⟩[31m⟨U+E0041⟩');
    expect(reveal('a\u200db')).toBe('a⟨U+200D⟩b');
    expect(pieces('\r')).toEqual([{ text: 'U+000D', mark: true }]);
  });

  it('leaves honest text alone, in any script', () => {
    for (const text of ['', 'файл.py', 'a\tb\nc', '日本語', '😀 ok', 'é', '👩‍👩‍👧 👩🏽‍💻']) {
      expect(hidesSomething(text)).toBe(false);
      expect(reveal(text)).toBe(text);
    }
  });
});
