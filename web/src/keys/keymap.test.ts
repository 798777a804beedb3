import { describe, expect, it } from 'vitest';

import { conflicts, keysOf, match, normalise, strokeOf, type Press } from './keymap';

function press(key: string, code: string, held: Partial<Press> = {}): Press {
  return { key, code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...held };
}

describe('keymap', () => {
  it('has one form for a combination', () => {
    expect(normalise('Shift+Ctrl+p')).toBe('Ctrl+Shift+P');
    expect(normalise(' Ctrl+k   a ')).toBe('Ctrl+K A');
    expect(normalise('Ctrl++')).toBe('Ctrl++');
    for (const wrong of ['', 'Ctrl', 'Ctrl+', 'Hyper+P', 'Ctrl+K A B']) {
      expect(normalise(wrong)).toBe(wrong === 'Ctrl+' ? 'Ctrl++' : null);
    }
  });

  it('reads keys by their place, whatever the layout', () => {
    expect(strokeOf(press('з', 'KeyP', { ctrlKey: true }))).toBe('Ctrl+P');
    expect(strokeOf(press('ю', 'Period', { ctrlKey: true }))).toBe('Ctrl+.');
    expect(strokeOf(press('F6', 'F6', { shiftKey: true }))).toBe('Shift+F6');
    expect(strokeOf(press('Control', 'ControlLeft', { ctrlKey: true }))).toBeNull();
  });

  it('follows a sequence of two strokes', () => {
    const bindings = new Map([
      ['agent', 'Ctrl+K A'],
      ['model', 'Ctrl+K M'],
      ['open', 'Ctrl+P'],
    ]);
    expect(match(bindings, null, 'Ctrl+K')).toEqual({ complete: [], goesOn: true });
    expect(match(bindings, 'Ctrl+K', 'M')).toEqual({ complete: ['model'], goesOn: false });
    expect(match(bindings, null, 'M')).toEqual({ complete: [], goesOn: false });
  });

  it('lets the user change or remove keys, and tells what collides', () => {
    expect(keysOf({ id: 'open', keys: 'Ctrl+P' }, { open: 'Ctrl+o' })).toBe('Ctrl+O');
    expect(keysOf({ id: 'open', keys: 'Ctrl+P' }, { open: '' })).toBeNull();
    const bindings = new Map([
      ['a', 'Ctrl+K'],
      ['b', 'Ctrl+K A'],
      ['c', 'Ctrl+J'],
    ]);
    expect(conflicts(bindings)).toEqual([['a', 'b']]);
  });
});
