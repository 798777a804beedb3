import { describe, expect, it } from 'vitest';

import { detected, fits, indentationOf, parseConfig } from './indentation';

describe('indentation', () => {
  it('is found in the lines of a text', () => {
    expect(detected('a:\n    b\n        c\n    d\n')).toBe('    ');
    expect(detected('a {\n  b {\n    c\n  }\n}\n')).toBe('  ');
    expect(detected('a {\n\tb {\n\t\tc\n\t}\n}\n')).toBe('\t');
    expect(detected('/*\n * a\n * b\n */\n')).toBeUndefined();
    expect(detected('')).toBeUndefined();
  });

  it('is what .editorconfig asks for, else what the lines are, else what is usual', () => {
    const config = parseConfig(
      '; mine\nroot = true\n[*]\nindent_style=space\nindent_size=3\n[{*.go,Makefile}]\nindent_style = Tab\nindent_size = 8 \n',
    );
    expect(indentationOf('src/a.go', '', config)).toEqual({ unit: '\t', tabWidth: 8 });
    expect(indentationOf('src/a.js', '  a\n    b', config)).toEqual({ unit: '   ', tabWidth: 3 });
    expect(indentationOf('a.py', '', [])).toEqual({ unit: '    ', tabWidth: 4 });
    expect(indentationOf('a.py', 'if a:\n  b\n', [])).toEqual({ unit: '  ', tabWidth: 4 });
    const silly = parseConfig('[*]\nindent_style=space\nindent_size=9999\n');
    expect(indentationOf('a.ts', '', silly)).toEqual({ unit: '  ', tabWidth: 4 });
  });

  it('fits the patterns of .editorconfig', () => {
    for (const [glob, path] of [
      ['*', 'src/deep/a.py'],
      ['*.{js,ts}', 'src/a.ts'],
      ['src/**.py', 'src/deep/a.py'],
      ['/a.py', 'a.py'],
      ['[!a].py', 'b.py'],
      ['a?.py', 'ab.py'],
    ] as const) {
      expect(fits(glob, path), glob).toBe(true);
    }
    for (const [glob, path] of [
      ['*.js', 'a.jsx'],
      ['/a.py', 'src/a.py'],
      ['src/*.py', 'src/deep/a.py'],
      ['[', 'a'],
      ['[z-a]', 'a'],
      ['('.repeat(300), 'a'],
      [`${'**a'.repeat(60)}b`, 'a'.repeat(4000)],
    ] as const) {
      expect(fits(glob, path), glob).toBe(false);
    }
  });
});
