import { describe, expect, it } from 'vitest';

import { chosenOf, countChosen, cutOf, globsOf, idOf, linesOf, type FileMatches, type Match } from './group';

function match(offset: number, text = 'a needle b', start = 2, end = 8): Match {
  return { line: 1, column: start + 1, text, start, end, offset, replacement: '' };
}

const files: FileMatches[] = [
  { path: 'a.ts', hash: 'h1', count: 3, occurrences: [match(1), match(20)] },
  { path: 'b.ts', hash: 'h2', count: 1, occurrences: [match(5)] },
  { path: 'c.txt', hash: '', count: 1, occurrences: [match(7)] },
];

describe('the results', () => {
  it('are lines, file by file', () => {
    const lines = linesOf(files, new Set(['b.ts']), new Set([idOf('a.ts', 20)]));
    expect(lines.map((line) => line.id)).toEqual(['a.ts', '1:a.ts', '20:a.ts', 'b.ts', 'c.txt', '7:c.txt']);
    expect(lines.flatMap((line) => (line.kind === 'file' ? [line.choice] : []))).toEqual(['some', 'all', 'none']);
    expect(lines.flatMap((line) => (line.kind === 'match' ? [line.isChosen] : []))).toEqual([true, false, false]);
  });

  it('name what is replaced: all of a file, or single matches', () => {
    expect(chosenOf(files, new Set())).toEqual([
      { path: 'a.ts', hash: 'h1' },
      { path: 'b.ts', hash: 'h2' },
    ]);
    expect(countChosen(files, new Set())).toBe(4);
    const left = new Set([idOf('a.ts', 1), idOf('b.ts', 5)]);
    expect(chosenOf(files, left)).toEqual([{ path: 'a.ts', hash: 'h1', offsets: [20] }]);
    expect(countChosen(files, left)).toBe(1);
  });

  it('show a match in a narrow panel', () => {
    expect(cutOf(match(0))).toEqual({ before: 'a ', match: 'needle', after: ' b' });
    const far = `    ${'x'.repeat(100)}needle`;
    expect(cutOf(match(0, far, 104, 110))).toEqual({ before: `…${'x'.repeat(24)}`, match: 'needle', after: '' });
  });
});

it('reads globs', () => {
  expect(globsOf(' *.ts, src/**,, *.{js,css} ')).toEqual(['*.ts', 'src/**', '*.{js,css}']);
  expect(globsOf('')).toEqual([]);
});
