import { expect, it } from 'vitest';

import { excerpt, partsOf, wordsOf } from './snippet';

function shown(line: string, question: string): string {
  return partsOf(line, wordsOf(question)).map(({ text, hit }) => (hit ? `[${text}]` : text)).join('');
}

it('marks the words of a question', () => {
  expect(shown('def total(prices):  # Total', 'is the total of prices up?')).toBe('def [total]([prices]):  # [Total]');
  expect(shown('say what is saved', 'what does it save')).toBe('say what is [save]d');
  expect(shown('Сумма цен', 'где сумма')).toBe('[Сумма] цен');
  expect(shown('a.b(c)', '(.*)+ a')).toBe('a.b(c)');
  expect(partsOf('', wordsOf('total'))).toEqual([]);
  expect(shown('isTotalled', 'tot total')).toBe('is[Total]led');
});

it('shows the lines that hold most of the words, less indented', () => {
  const text = ['class Cart:', ...Array.from({ length: 20 }, (_, at) => `    x${at} = 1`), '    def total(self):', '        return 0'];
  expect(excerpt(text.join('\n'), wordsOf('the total'))).toEqual([
    'x17 = 1',
    'x18 = 1',
    'x19 = 1',
    'def total(self):',
    '    return 0',
  ]);
  expect(excerpt(text.join('\n'), wordsOf('nothing of it'))[0]).toBe('class Cart:');
  expect(excerpt('', null)).toEqual(['']);
  expect(excerpt('x'.repeat(20_000), null)[0]).toHaveLength(200);
});
