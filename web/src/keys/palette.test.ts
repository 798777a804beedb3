import { describe, expect, it } from 'vitest';

import { fit } from './palette';

describe('the palette', () => {
  it('prefers the beginning, then the beginnings of words, and needs every word', () => {
    const [first, second, inside] = ['Open file', 'Quick open', 'Reopen'].map((title) => fit(title, 'open'));
    expect(first).toBeGreaterThan(second ?? 0);
    expect(second).toBeGreaterThan(inside ?? 0);
    expect(fit('Open file', 'file open')).not.toBeNull();
    expect(fit('Open file', 'open close')).toBeNull();
    expect(fit('Тема: тёмная', 'тёмн')).not.toBeNull();
    expect(fit('anything', '')).toBe(0);
  });
});
