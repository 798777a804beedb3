import { expect, it } from 'vitest';

import { imagePathOf, isPicture, previewOf } from './images';

it('finds the images of a Markdown text in the workspace, and none elsewhere', () => {
  expect(imagePathOf('docs/guide.md', 'shots/a.png')).toBe('docs/shots/a.png');
  expect(imagePathOf('docs/guide.md', '../logo.svg?raw=1')).toBe('logo.svg');
  expect(imagePathOf('README.md', './my%20logo.PNG#x')).toBe('my logo.PNG');
  expect(imagePathOf('docs/guide.md', '/logo.gif')).toBe('logo.gif');
  for (const source of [
    'https://evil.example/a.png',
    '//evil.example/a.png',
    'data:image/png;base64,AAAA',
    'javascript:alert(1)//a.png',
    '../../outside.png',
    'a.txt',
    '%zz.png',
    '..\\a.png',
    '',
  ]) {
    expect(imagePathOf('docs/guide.md', source), source).toBeNull();
  }
});

it('tells what is shown how', () => {
  expect([isPicture('a/b.JPEG'), isPicture('a.svg'), isPicture('png')]).toEqual([true, false, false]);
  expect([previewOf('a.md'), previewOf('a.svg'), previewOf('a.png')]).toEqual(['markdown', 'image', null]);
});
