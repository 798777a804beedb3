import { describe, expect, it } from 'vitest';

import { merged, partsOf, placesOf, wanted } from './fuzzy';

function shown(path: string, letters: string): string | null {
  const places = placesOf(path, letters);
  if (places === null) return null;
  return partsOf(path, places)
    .map((part) => (part.hit ? `[${part.text}]` : part.text))
    .join('');
}

describe('what was typed', () => {
  it('may name a line and a column', () => {
    expect(wanted('main.ts')).toEqual({ kind: 'file', letters: 'main.ts', line: null, column: null });
    expect(wanted('main:12')).toEqual({ kind: 'file', letters: 'main', line: 12, column: null });
    expect(wanted('main:12:3')).toEqual({ kind: 'file', letters: 'main', line: 12, column: 3 });
    expect(wanted('main:')).toEqual({ kind: 'file', letters: 'main', line: null, column: null });
    expect(wanted(':0')).toEqual({ kind: 'line', letters: '', line: 1, column: null });
    expect(wanted(':')).toEqual({ kind: 'line', letters: '', line: null, column: null });
  });

  it('may be the name of a symbol, of the project or of the open file', () => {
    expect(wanted('# Cart::total')).toEqual({ kind: 'symbol', letters: 'Cart::total', line: null, column: null });
    expect(wanted(' @to')).toEqual({ kind: 'outline', letters: 'to', line: null, column: null });
    expect(wanted('a#b@c').kind).toBe('file');
  });
});

describe('fuzzy matches', () => {
  it.each([
    ['src/main.ts', 'main', 'src/[main].ts'],
    ['main/src/main.ts', 'main', 'main/src/[main].ts'],
    ['src/FooBarPanel.ts', 'fbp', 'src/[F]oo[B]ar[P]anel.ts'],
    ['src/app/foo.ts', 'app/f', 'src/[app/f]oo.ts'],
    ['src/app/foo.ts', 'sf', '[s]rc/app/[f]oo.ts'],
    ['src/app/foo.ts', 'f o', 'src/app/[fo]o.ts'],
    ['src/app/foo.ts', 'xyz', null],
    ['src/app/foo.ts', '', 'src/app/foo.ts'],
  ])('mark %s for %s', (path, letters, expected) => {
    expect(shown(path, letters)).toBe(expected);
  });

  it('put what was opened lately first, each path once', () => {
    expect(merged(['b.ts', 'z.md'], ['a.ts', 'b.ts'], 'ts', 10)).toEqual(['b.ts', 'a.ts']);
    expect(merged(['b.ts'], ['a.ts', 'c.ts'], '', 2)).toEqual(['b.ts', 'a.ts']);
  });
});
