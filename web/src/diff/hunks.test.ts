import { describe, expect, test } from 'vitest';

import { apply, canEdit, compare, editedText, fieldText, rebase, type Choice } from './hunks';
import { linesOf } from './lines';

/** Numbers that are the same in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A text of few different lines, with all that can be odd about their ends. */
function randomText(pick: (below: number) => number): string {
  const endings = ['\n', '\n', '\r\n', '\r'];
  const lines = Array.from({ length: pick(30) }, () => `${'abcdé'[pick(5)]}${endings[pick(endings.length)]}`);
  return lines.join('') + (pick(2) ? 'end' : '');
}

const numbered = (count: number, end = '\n'): string[] => Array.from({ length: count }, (_, at) => `line ${at}${end}`);

describe('any two texts', () => {
  const cases = Array.from({ length: 400 }, (_, seed) => {
    const pick = chance(seed + 1);
    return { before: randomText(pick), after: randomText(pick), pick };
  });

  test('all hunks make the new text, none leave the old one', () => {
    for (const { before, after } of cases) {
      const made = compare(before, after);
      expect(apply(made)).toBe(after);
      expect(apply(made, made.hunks.map(() => ({ on: false, text: null })))).toBe(before);
      expect(made.hunks.length === 0).toBe(before === after);
    }
  });

  test('each hunk is made by itself, whatever becomes of the others', () => {
    for (const { before, after, pick } of cases) {
      const made = compare(before, after);
      const choices = made.hunks.map(() => ({ on: pick(2) === 1, text: null }));
      const text = apply(made, choices);
      // What was left is exactly what still differs from the new text.
      const rest = compare(before, after).hunks.filter((hunk) => !choices[hunk.index]?.on);
      let expected = '';
      const lines = linesOf(after);
      let next = 0;
      for (const hunk of rest) {
        expected += lines.slice(next, hunk.newStart).join('') + hunk.oldText;
        next = hunk.newEnd;
      }
      expect(text).toBe(expected + lines.slice(next).join(''));
    }
  });

  test('rows say each line of both texts once', () => {
    for (const { before, after } of cases) {
      const old = linesOf(before);
      const fresh = linesOf(after);
      for (const hunk of compare(before, after).hunks) {
        for (const row of hunk.rows) {
          if (row.oldLine !== null) expect(row.text).toBe(old[row.oldLine - 1]);
          if (row.newLine !== null) expect(row.text).toBe(fresh[row.newLine - 1]);
          if (row.words) expect(row.words.map((piece) => piece.text).join('')).toBe(row.text);
        }
        expect(hunk.rows.filter((row) => row.kind === 'added')).toHaveLength(hunk.added);
        expect(hunk.rows.filter((row) => row.kind === 'removed')).toHaveLength(hunk.removed);
      }
    }
  });
});

test('places that lie apart are hunks of their own', () => {
  const old = numbered(40);
  const fresh = [...old];
  fresh[3] = 'changed\n';
  fresh[5] = 'close\n';
  fresh.splice(30, 1);
  const made = compare(old.join(''), fresh.join(''));
  expect(made.hunks.map((hunk) => [hunk.oldStart, hunk.oldEnd, hunk.added, hunk.removed])).toEqual([
    [3, 6, 2, 2],
    [30, 31, 0, 1],
  ]);
  expect(made.hunks[0]?.rows[0]).toMatchObject({ kind: 'same', oldLine: 1, newLine: 1 });
});

test('words that differ are marked, and only where that helps', () => {
  const [hunk] = compare('total = price * count\n', 'total = price * amount\n').hunks;
  const marked = hunk?.rows.map((row) => row.words?.filter((piece) => piece.changed).map((piece) => piece.text));
  expect(marked).toEqual([['count'], ['amount']]);
  expect(compare('one two three\n', 'quite something else here\n').hunks[0]?.rows[0]?.words).toBeNull();
});

test('a new file, an emptied one, one without a last line feed', () => {
  for (const [before, after] of [['', 'a\nb'], ['a\nb', ''], ['a', 'a\n'], ['a\nb', 'a\nb\nc']] as const) {
    const made = compare(before, after);
    expect(made.hunks).toHaveLength(1);
    expect(apply(made)).toBe(after);
  }
});

describe('edits of a hunk', () => {
  test('keep the file’s line endings', () => {
    const made = compare('a\r\nb\r\nc\r\n', 'a\r\nB\r\nc\r\n');
    const [hunk] = made.hunks;
    if (!hunk) throw new Error('There is one.');
    expect(editedText(hunk, made, fieldText(hunk))).toBeNull();
    const text = editedText(hunk, made, 'mine\nand more');
    expect(apply(made, [{ on: true, text }])).toBe('a\r\nmine\r\nand more\r\nc\r\n');
    expect(apply(made, [{ on: true, text: editedText(hunk, made, '') }])).toBe('a\r\nc\r\n');
  });

  test('never glue two lines together, but may end the file as they like', () => {
    const made = compare('a\nb', 'a\nc');
    const [hunk] = made.hunks;
    if (!hunk) throw new Error('There is one.');
    expect(apply(made, [{ on: true, text: editedText(hunk, made, 'x') }])).toBe('a\nx');
    const inner = compare('a\nb\n', 'x\nb\n');
    const [first] = inner.hunks;
    if (!first) throw new Error('There is one.');
    expect(apply(inner, [{ on: true, text: editedText(first, inner, 'y') }])).toBe('y\nb\n');
  });

  test('are not offered where a field would change what is not meant', () => {
    expect(compare('a\n', 'b\rc\n').hunks.map(canEdit)).toEqual([false]);
    expect(compare('a\r\n', 'b\r\n').hunks.map(canEdit)).toEqual([true]);
  });
});

test('choices stay with their hunks when the file changes underneath', () => {
  const old = numbered(60);
  const wanted = [...old];
  for (const at of [5, 25, 45]) wanted[at] = `changed ${at}\n`;
  const first = compare(old.join(''), wanted.join(''));
  const choices: Choice[] = [{ on: false, text: null }, { on: true, text: 'mine\n' }, { on: false, text: null }];
  // Somebody adds lines at the top and rewrites what the last hunk was about.
  const [base, goal] = [['top\n', ...old], ['top\n', ...wanted]];
  base[46] = 'theirs\n';
  const second = compare(base.join(''), goal.join(''));
  const carried = rebase(first, choices, second);
  expect(carried.choices.slice(0, 2)).toEqual(choices.slice(0, 2));
  expect([...carried.unseen]).toEqual([2]);
  expect(carried.dropped).toBe(1);
  expect(apply(second, carried.choices)).toContain('mine\n');
});

describe('large files', () => {
  test('of 1 MB are compared at once', () => {
    const old = Array.from({ length: 30_000 }, (_, at) => `    value_${at % 700} = compute(${at % 90}, ${at})\n`);
    const fresh = old.map((line, at) => (at % 500 === 0 ? `${line.trimEnd()} # changed\n` : line));
    const [before, after] = [old.join(''), fresh.join('')];
    expect(before.length).toBeGreaterThan(900_000);
    const made = compare(before, after);
    expect(made.hunks).toHaveLength(60);
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now();
      expect(apply(compare(before, after))).toBe(after);
      return performance.now() - started;
    });
    // A third of it on an idle machine; others compute beside it while tests run.
    expect(Math.min(...times)).toBeLessThan(300);
  });

  test('that have nothing in common are one hunk, soon', () => {
    const old = Array.from({ length: 20_000 }, (_, at) => `${'xyz'[at % 3]}\n`).join('');
    const fresh = Array.from({ length: 20_000 }, (_, at) => `${'uvw'[(at * 7) % 3]}\n`).join('');
    const made = compare(old, fresh);
    expect(made.hunks).toHaveLength(1);
    expect(apply(made)).toBe(fresh);
  });
});
