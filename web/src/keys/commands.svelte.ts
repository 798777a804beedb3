import { SvelteMap } from 'svelte/reactivity';

import { storage } from '../browser/storage';
import { keysOf, match, strokeOf, type Stroke } from './keymap';

/** A command as it is listed: keys can be chosen for it before the code that carries it out is loaded. */
export interface CommandEntry {
  id: string;
  title: () => string;
  keys?: string;
  /** Works where all other keys belong to what has the focus, such as the terminal. */
  everywhere?: boolean;
  /** Has keys but no entry in the palette. */
  hidden?: boolean;
}

/** Something the user can do, from the palette or by its keys. */
export interface Command extends CommandEntry {
  run: () => void;
  /** Whether it makes sense now; always, if absent. */
  when?: () => boolean;
  /** The only elements, as a selector, inside of which its keys count: elsewhere they are the browser's. */
  within?: string;
}

const CHOSEN = 'codelab.keys';

function stored(): Record<string, string> {
  const kept = Object.entries(storage.json(CHOSEN) ?? {});
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

class Commands {
  /** Keys that the user chose, by command; empty means none. Kept in this browser. */
  chosen = $state<Record<string, string>>(stored());
  #all = new SvelteMap<string, Command>();
  #before: Stroke | null = null;

  /** All commands that are registered now. */
  get all(): Command[] {
    return [...this.#all.values()];
  }

  /**
   * Adds commands.
   *
   * @returns What takes them away again.
   */
  register(...added: Command[]): () => void {
    for (const command of added) this.#all.set(command.id, command);
    return () => {
      for (const command of added) {
        if (this.#all.get(command.id) === command) this.#all.delete(command.id);
      }
    };
  }

  /** The keys of a command as they are shown, or none. */
  keysOf(id: string): string | null {
    const command = this.#all.get(id);
    return command ? keysOf(command, this.chosen) : null;
  }

  /** Binds other keys to a command; without any, those that it was born with. */
  rebind(id: string, keys: string | null): void {
    const { [id]: _, ...others } = this.chosen;
    this.chosen = keys === null ? others : { ...others, [id]: keys };
    storage.setItem(CHOSEN, JSON.stringify(this.chosen));
  }

  /** Carries out a command, if it makes sense now. */
  run(id: string): void {
    const command = this.#all.get(id);
    if (command && (command.when?.() ?? true)) command.run();
  }

  /** Takes a key press of the page; one that belongs to a command goes no further. */
  press(event: KeyboardEvent): void {
    const stroke = event.isComposing ? null : strokeOf(event);
    if (stroke === null) return;
    const found = match(this.#bindings(event.target), this.#before, stroke);
    const under = this.#before !== null;
    this.#before = found.goesOn ? stroke : null;
    const [id] = found.complete;
    if (id === undefined && !found.goesOn && !under) return;
    event.preventDefault();
    event.stopPropagation();
    if (id !== undefined) this.#all.get(id)?.run();
  }

  #bindings(target: EventTarget | null): Map<string, string> {
    const focused = target instanceof Element ? target : null;
    const isTaken = Boolean(focused?.closest('[data-own-keys]'));
    // A dialog stands in front of everything: nothing behind it may move.
    if (document.querySelector('dialog[open]') !== null) return new Map();
    const bindings = new Map<string, string>();
    for (const command of this.#all.values()) {
      const keys = keysOf(command, this.chosen);
      if (keys !== null && (!isTaken || command.everywhere) && fits(command, focused)) bindings.set(command.id, keys);
    }
    return bindings;
  }
}

function fits(command: Command, focused: Element | null): boolean {
  const isInside = command.within === undefined || Boolean(focused?.closest(command.within));
  return isInside && (command.when?.() ?? true);
}

/** What can be done in the interface. */
export const commands = new Commands();

window.addEventListener('keydown', (event) => commands.press(event), { capture: true });
