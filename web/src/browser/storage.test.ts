import { describe, expect, it } from 'vitest';

import { Kept, type Store } from './storage';

class Browser implements Store {
  readonly values = new Map<string, string>();
  isFull = false;

  get length(): number {
    return this.values.size;
  }

  key(index: number): string | null {
    return [...this.values.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.isFull) throw new DOMException('full', 'QuotaExceededError');
    this.values.set(key, value);
  }

  removeItem(key: string): void {
    this.values.delete(key);
  }
}

const blocked = new Proxy(new Browser(), {
  get: () => {
    throw new DOMException('blocked', 'SecurityError');
  },
});

describe('what a browser remembers', () => {
  it('lasts as long as the page where the browser keeps nothing', () => {
    for (const kept of [new Kept(null), new Kept(blocked)]) {
      expect(kept.getItem('a')).toBeNull();
      kept.setItem('a', '1');
      expect(kept.getItem('a')).toBe('1');
      kept.removeItem('a');
      expect(kept.getItem('a')).toBeNull();
    }
  });

  it('is never an older value than the last one', () => {
    const browser = new Browser();
    const kept = new Kept(browser);
    kept.setItem('a', 'old');
    browser.isFull = true;
    kept.setItem('a', 'new');
    expect([kept.getItem('a'), browser.getItem('a')]).toEqual(['new', null]);
    browser.isFull = false;
    kept.setItem('a', 'newer');
    expect(new Kept(browser).getItem('a')).toBe('newer');
  });

  it('is nothing where it cannot be read', () => {
    const kept = new Kept(new Browser());
    kept.setItem('a', '{"half');
    expect([kept.json('a'), kept.json('b')]).toEqual([null, null]);
    kept.setItem('a', '[1]');
    expect(kept.json('a')).toEqual([1]);
  });
});
