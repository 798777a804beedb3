import { describe, expect, it } from 'vitest';

import type { Store } from '../browser/storage';
import { Drafts } from './drafts';

class Memory implements Store {
  readonly values = new Map<string, string>();

  constructor(private readonly room = Infinity) {}

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
    if (value.length > this.room) throw new DOMException('full', 'QuotaExceededError');
    this.values.set(key, value);
  }

  removeItem(key: string): void {
    this.values.delete(key);
  }
}

describe('unsaved text', () => {
  it('is kept for its user, workspace and file', () => {
    const store = new Memory();
    const drafts = new Drafts(store, 'ada', () => 7);
    expect(drafts.keep('w', 'src/a.py', 'hash', 'text')).toBe(true);
    expect(drafts.find('w', 'src/a.py')).toEqual({ base: 'hash', text: 'text', at: 7 });
    expect(drafts.paths('w')).toEqual(['src/a.py']);
    expect(new Drafts(store, 'eve').find('w', 'src/a.py')).toBeNull();
    expect(drafts.find('v', 'src/a.py')).toBeNull();
    drafts.forget('w', 'src/a.py');
    expect(store.length).toBe(0);
  });

  it('has bounds: the oldest goes first, and nothing else is touched', () => {
    const store = new Memory();
    store.setItem('codelab.theme', 'dark');
    let now = 0;
    const drafts = new Drafts(store, 'ada', () => now);
    for (const path of ['a', 'b', 'c', 'd']) {
      now += 1;
      expect(drafts.keep('w', path, '', 'x'.repeat(600_000))).toBe(true);
    }
    expect(drafts.paths('w')).toEqual(['b', 'c', 'd']);
    expect(drafts.keep('w', 'd', '', 'x'.repeat(1_000_001))).toBe(false);
    expect(drafts.find('w', 'd')).toBeNull();
    now += 40 * 24 * 3600 * 1000;
    drafts.keep('w', 'e', '', 'x');
    expect(drafts.paths('w')).toEqual(['e']);
    expect(store.getItem('codelab.theme')).toBe('dark');
  });

  it('says so where the browser has no room, and reads no nonsense', () => {
    expect(new Drafts(null, 'ada').keep('w', 'a', '', 'text')).toBe(false);
    const full = new Drafts(new Memory(50), 'ada', () => 7);
    expect(full.keep('w', 'a', '', 'text')).toBe(true);
    expect(full.keep('w', 'a', '', 'text'.repeat(20))).toBe(false);
    expect(full.find('w', 'a')?.text).toBe('text');
    const store = new Memory();
    const drafts = new Drafts(store, 'ada');
    for (const nonsense of ['{', 'null', '{"base":1}']) {
      store.setItem('codelab.draft/ada/w/a', nonsense);
      expect(drafts.find('w', 'a')).toBeNull();
    }
  });
});
