import { conflicts } from '../keys/keymap';

const TAKEN_BY_BROWSERS = new Set(
  (
    'Ctrl+W Ctrl+T Ctrl+N Ctrl+Tab Ctrl+Shift+W Ctrl+Shift+T Ctrl+Shift+N Ctrl+Shift+Tab ' +
    'Ctrl+L Ctrl+R F5 F11 F12 Alt+F4 Alt+ArrowLeft Alt+ArrowRight'
  ).split(' '),
);

/** What speaks against keys: they would get in the way of typing, or the browser keeps them. */
export type Objection = 'plain' | 'browser';

/** Says what speaks against keys for a command, if anything does. */
export function objectionTo(keys: string): Objection | null {
  const [first = ''] = keys.split(' ');
  const parts = first.split('+');
  const key = first.endsWith('+') ? '+' : (parts.at(-1) ?? '');
  const isHeld = ['Ctrl', 'Alt', 'Meta'].some((name) => parts.includes(name));
  if (!isHeld && (key.length === 1 || key === 'Space')) return 'plain';
  return TAKEN_BY_BROWSERS.has(first) ? 'browser' : null;
}

/** Finds the commands that would get in the way of one that had these keys. */
export function takenBy(id: string, keys: string, bindings: ReadonlyMap<string, string>): string[] {
  const others = [...bindings].filter(([other]) => other !== id);
  return others.filter(([other, bound]) => conflicts(new Map([[id, keys], [other, bound]])).length > 0).map(([other]) => other);
}

/** Adds a stroke to those pressed so far; a third one begins anew. */
export function pressed(strokes: readonly string[], stroke: string): string[] {
  return strokes.length >= 2 ? [stroke] : [...strokes, stroke];
}
