// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';

import { MarkdownDocument, MOST_PARSED, type Block } from './document';
import { goesOn, openFence } from './fences';
import { hostToShow } from './links';
import { placeIn } from './paths';

const TEXT = `# Title

A paragraph with **bold**, \`src/main.py:12\` and
# an end

Setext
------
| a | b |
|:-:|---|
| 1 | 2 |

- one
  \`\`\`sh
  nested
  \`\`\`

- two

\`\`\`python
def f():

    return "🎉"
\`\`\`
> quote
lazily going on

1. x
2) y

    code
last [link](https://example.org) line`;

function blocks(text: string): readonly Block[] {
  const document = new MarkdownDocument();
  document.update(text, true);
  return document.blocks;
}

function htmlOf(text: string): string {
  return blocks(text)
    .map((block) => (block.kind === 'html' ? block.html : `[${block.language}]${block.code}`))
    .join('\n');
}

it('reads the names of characters, and leaves what is none', () => {
  const named = htmlOf('&eacute;&NotEqualTilde; &amp;lt; &notit; &nosuch; [x](https://a.example/?a&copy;)');
  expect(named).toContain('é≂̸ &amp;lt; &amp;notit; &amp;nosuch;');
  expect(named).toContain('href="https://a.example/?a%C2%A9"');
});

describe('a growing document', () => {
  const whole = blocks(TEXT);

  it.each([1, 2, 3, 7, 40])('is the same in pieces of %i as at once', (size) => {
    const document = new MarkdownDocument();
    for (let end = size; end < TEXT.length; end += size) document.update(TEXT.slice(0, end));
    document.update(TEXT, true);
    expect(document.blocks).toEqual(whole);
  });

  it('keeps the blocks that are done', () => {
    const document = new MarkdownDocument();
    document.update(TEXT.slice(0, 300));
    const before = document.blocks.slice(0, -2);
    document.update(TEXT);
    expect(before.length).toBeGreaterThan(2);
    for (const [index, block] of before.entries()) expect(document.blocks[index]).toBe(block);
  });

  it('begins anew with another text, and says when a fence is closed', () => {
    const document = new MarkdownDocument();
    document.update('```py\nprint');
    expect(document.blocks).toMatchObject([{ kind: 'code', language: 'py', code: 'print', closed: false }]);
    document.update('```py\nprint\n```\n');
    expect(document.blocks).toMatchObject([{ code: 'print', closed: true }]);
    document.update('Other');
    expect(document.blocks).toMatchObject([{ kind: 'html', html: '<p>Other</p>\n' }]);
  });
});

describe('hostile Markdown', () => {
  it('becomes no markup', () => {
    const out = htmlOf(
      '<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <b>b</b>\n\n' +
        '[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x) <javascript:alert(1)>\n\n' +
        '[d](https://e.org "on\\"x")\n\n- ```"><script>\n  </code><script>\n  ```',
    );
    expect(out).not.toMatch(/<(?:script|img|b)\b/);
    expect(out).not.toMatch(/href="(?!https:\/\/e\.org)/);
    expect(out).toContain('&lt;script&gt;');
  });

  it('loads no image, and shows where it would have come from', () => {
    const out = htmlOf('![the logo](https://evil.example/x.png?leak=1)');
    expect(out).not.toContain('<img');
    expect(out).toContain('the logo <span class="md-address">https://evil.example/x.png?leak=1</span>');
  });

  it('leads to no file, but names it', () => {
    const out = htmlOf('[guide](docs/guide.md) ![logo](img/logo.png)');
    expect(out).toContain('<span class="md-local">guide</span> <span class="md-address">docs/guide.md</span>');
    expect(out).toContain('logo <span class="md-address">img/logo.png</span>');
    expect(out).not.toMatch(/<(?:a|img)\b/);
  });

  it('opens links elsewhere, and says where when the text says something else', () => {
    expect(htmlOf('[docs](https://example.org/a)')).toContain(
      '<a href="https://example.org/a" rel="noopener noreferrer" target="_blank">docs</a></p>',
    );
    expect(htmlOf('[https://bank.example](https://evil.example/)')).toContain('(evil.example)');
    expect(hostToShow('https://example.org/a', 'example.org/a')).toBe('');
    expect(hostToShow('https://good.example@evil.example/', 'go')).toBe('evil.example');
    expect(hostToShow('https://xn--e1awd7f.com/', 'go')).toBe('xn--e1awd7f.com');
  });

  it('shows what cannot be seen', () => {
    expect(htmlOf('a\u202Eb\u001B[31m\r\n\rc')).toBe('<p>a⟨U+202E⟩b⟨U+001B⟩[31m\n⟨U+000D⟩c</p>\n');
    expect(htmlOf('x `\u202E` y')).toContain('<code>⟨U+202E⟩</code>');
  });

  it.each(['+', '*a* ', 'a\n', '[a](https://b.c) ', '`x` '])('holds nobody up with thousands of %j', (piece) => {
    const begun = performance.now();
    blocks(piece.repeat(60_000 / piece.length));
    // What grows with the square of the length takes ten seconds.
    expect(performance.now() - begun).toBeLessThan(4000);
  });

  it('is shown as it is beyond a length', () => {
    const line = `${'word '.repeat(400)}\n\n`;
    const text = line.repeat(Math.ceil((2 * MOST_PARSED) / line.length)) + 'end\u202E';
    const found = blocks(text);
    const last = found.at(-1);
    const plain = last?.kind === 'code' ? last.code : '';
    expect(found.slice(0, -1).every((block) => block.kind === 'html')).toBe(true);
    expect(plain.startsWith('word ')).toBe(true);
    expect(plain.endsWith('\nend⟨U+202E⟩')).toBe(true);

    const document = new MarkdownDocument();
    for (let end = 90_000; end < text.length; end += 90_000) document.update(text.slice(0, end));
    document.update(text, true);
    expect(document.blocks).toEqual(found);
  });

  it('has no style attributes', () => {
    const out = htmlOf('| a |\n|--:|\n| 1 |');
    expect(out).toContain('<td class="md-right">');
    expect(out).not.toContain('style=');
  });
});

describe('places in the project', () => {
  it('are recognised in code and, with a line, in text', () => {
    expect(placeIn('src/app.py:12')).toEqual({ path: 'src/app.py', line: 12 });
    expect(placeIn('./a/b.ts')).toEqual({ path: 'a/b.ts', line: null });
    expect(placeIn('README.md')?.path).toBe('README.md');
    for (const other of ['os.path', 'self.name', 'a b.py', '/etc/passwd.txt', '../../a.py:1', 'a/../b.py', 'x = 1', 'and/or']) {
      expect(placeIn(other), other).toBeNull();
    }
    const out = htmlOf('See src/a.py:3, `b/c.ts` and [src/x.py:4](https://e.org).');
    expect(out).toContain('data-path="src/a.py" data-line="3"');
    expect(out).toContain('data-path="b/c.ts" data-line=""');
    expect(out).not.toContain('data-path="src/x.py"');
  });
});

describe('a fence that a tool call interrupts', () => {
  it('is known by the line that opened it', () => {
    expect(openFence('text\n```py\nx = 1')).toBe('```py');
    expect(openFence('```py\nx\n```\n')).toBe('');
    expect(openFence('````md\n```\nx\n```')).toBe('````md');
    expect(openFence('~~~\n```')).toBe('~~~');
  });

  it('goes on in the next message unless that has its own', () => {
    expect(goesOn('```py', 'y = 2\n', false)).toBe(true);
    expect(goesOn('```py', 'y = 2\n```\nDone.', true)).toBe(true);
    expect(goesOn('```py', 'Then:\n```py\ny', false)).toBe(false);
    expect(goesOn('```py', 'Just text.', true)).toBe(false);
    expect(goesOn('', 'x\n```', true)).toBe(false);
  });
});
