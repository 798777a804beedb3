import { describe, expect, it } from 'vitest';

import { hidesSomething, pieces, reveal } from './visible';

describe('hidden characters', () => {
  it('shows what turns a name around or has no width', () => {
    expect(reveal('evil\u202etxt.exe')).toBe('evil⟨U+202E⟩txt.exe');
    expect(reveal('a\u200bb\u001b[31m\u{e0041}')).toBe('a⟨U+200B⟩b⟨U+001B⟩[31m⟨U+E0041⟩');
    expect(reveal('a\u200db')).toBe('a⟨U+200D⟩b');
    expect(reveal('\u3164\uffa0\u180b')).toBe('⟨U+3164⟩⟨U+FFA0⟩⟨U+180B⟩');
    expect(pieces('\r')).toEqual([{ text: 'U+000D', mark: true }]);
  });

  it('shows what a row of selectors hides', () => {
    expect(reveal('eval(`\ufe00\u{e0101}\ufe0f`)')).toBe('eval(`⟨U+FE00⟩⟨U+E0101⟩⟨U+FE0F⟩`)');
    expect(reveal('❤\ufe0f\ufe0f\ufe0e')).toBe('❤\ufe0f⟨U+FE0F⟩⟨U+FE0E⟩');
  });

  it('leaves honest text alone, in any script', () => {
    for (const text of ['', 'файл.py', 'a\tb\nc', '日本語', '😀 ok', 'é', '👩‍👩‍👧 👩🏽‍💻', '❤\ufe0f 1\ufe0f\u20e3 🏳\ufe0f\u200d🌈']) {
      expect(hidesSomething(text)).toBe(false);
      expect(reveal(text)).toBe(text);
    }
  });
});
