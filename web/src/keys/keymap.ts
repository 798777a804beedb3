/** One combination, such as Ctrl+K: modifiers in a fixed order, then the key. */
export type Stroke = string;

/** What a keyboard event says that matters here. */
export interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  metaKey: boolean;
}

const MODIFIERS = ['Ctrl', 'Alt', 'Shift', 'Meta'] as const;
const CODES: Readonly<Record<string, string>> = {
  Backquote: '`',
  Backslash: '\\',
  BracketLeft: '[',
  BracketRight: ']',
  Comma: ',',
  Equal: '=',
  Minus: '-',
  Period: '.',
  Quote: "'",
  Semicolon: ';',
  Slash: '/',
  Space: 'Space',
};

/**
 * Writes a combination or a sequence of two in its one form, such as `Ctrl+K A`.
 *
 * @returns None when it names no key or more than one.
 */
export function normalise(keys: string): string | null {
  const strokes = keys.trim().split(/\s+/).map(normaliseStroke);
  if (strokes.length > 2 || strokes.some((stroke) => stroke === null)) return null;
  return strokes.join(' ');
}

function normaliseStroke(stroke: string): Stroke | null {
  const parts = stroke.split('+').filter((part) => part !== '');
  if (stroke.endsWith('+')) parts.push('+');
  const key = parts.pop();
  if (!key || MODIFIERS.some((name) => name === key)) return null;
  if (parts.some((part) => !MODIFIERS.some((name) => name === part))) return null;
  const held = MODIFIERS.filter((name) => parts.includes(name));
  return [...held, key.length === 1 ? key.toUpperCase() : key].join('+');
}

/**
 * Reads what was pressed.
 *
 * Letters and signs go by their place on the keyboard, so that a Russian layout has the same keys.
 *
 * @returns None while only modifiers are held.
 */
export function strokeOf(press: Press): Stroke | null {
  const key = keyOf(press);
  if (key === null) return null;
  const held = { Ctrl: press.ctrlKey, Alt: press.altKey, Shift: press.shiftKey, Meta: press.metaKey };
  return [...MODIFIERS.filter((name) => held[name]), key].join('+');
}

function keyOf(press: Press): string | null {
  if (['Control', 'Alt', 'Shift', 'Meta', 'AltGraph', 'Dead', 'Process'].includes(press.key)) return null;
  const place = /^(?:Key|Digit)(.)$/.exec(press.code)?.[1] ?? CODES[press.code];
  return place ?? (press.key.length === 1 ? press.key.toUpperCase() : press.key);
}

/** A command's keys: what it is born with, unless the user chose others; empty means none. */
export function keysOf(
  command: { id: string; keys?: string | undefined },
  chosen: Readonly<Record<string, string>>,
): string | null {
  const keys = chosen[command.id] ?? command.keys ?? '';
  return keys === '' ? null : normalise(keys);
}

/** What a stroke leads to: commands that it completes, or a sequence that goes on. */
export interface Match {
  complete: string[];
  goesOn: boolean;
}

/**
 * Finds what a stroke means.
 *
 * @param bindings Keys by command.
 * @param before The first stroke of a sequence, if one is under way.
 */
export function match(bindings: ReadonlyMap<string, string>, before: Stroke | null, stroke: Stroke): Match {
  const typed = before === null ? stroke : `${before} ${stroke}`;
  const complete: string[] = [];
  let goesOn = false;
  for (const [id, keys] of bindings) {
    if (keys === typed) complete.push(id);
    else if (keys.startsWith(`${typed} `)) goesOn = true;
  }
  return { complete, goesOn };
}

/** Finds commands whose keys get in each other's way: the same, or one begins the other. */
export function conflicts(bindings: ReadonlyMap<string, string>): [string, string][] {
  const all = [...bindings];
  const found: [string, string][] = [];
  for (const [index, [first, keys]] of all.entries()) {
    for (const [second, others] of all.slice(index + 1)) {
      if (keys === others || keys.startsWith(`${others} `) || others.startsWith(`${keys} `)) {
        found.push([first, second]);
      }
    }
  }
  return found;
}
