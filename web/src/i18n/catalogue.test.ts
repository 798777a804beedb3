// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';

import { render, type Catalogue, type Text } from './catalogue';

const features = import.meta.glob<{ catalogue: Catalogue }>('../**/messages.ts', { eager: true });

function formsOf(text: Text): string[] {
  return typeof text === 'string' ? [text] : Object.values(text as object as Record<string, string>);
}

function placeholders(text: Text): string {
  const names = formsOf(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map((found) => found[1]));
  return [...new Set(names)].toSorted().join(' ');
}

describe('the catalogue', () => {
  it.each(Object.entries(features))('%s says everything in both languages', (_, feature) => {
    for (const [key, [english, russian]] of Object.entries(feature.catalogue)) {
      for (const form of [...formsOf(english), ...formsOf(russian)]) expect(form.trim(), key).not.toBe('');
      expect(placeholders(russian), key).toBe(placeholders(english));
      expect(typeof russian, key).toBe(typeof english);
      if (typeof russian !== 'string') expect(russian, key).toMatchObject({ few: expect.any(String), many: expect.any(String) });
    }
  });

  it('chooses the plural form by the language', () => {
    const files = { one: '{n} файл', few: '{n} файла', many: '{n} файлов', other: '{n} файла' };
    expect([1, 3, 5, 21, 1.5].map((n) => render(files, 'ru', { n }))).toEqual([
      '1 файл',
      '3 файла',
      '5 файлов',
      '21 файл',
      '1.5 файла',
    ]);
    expect(render('Open {name}', 'en', { name: '{n}' })).toBe('Open {n}');
  });
});
