import { ofServer } from '../i18n/server.svelte';
import { complete, completing, mentionOf, type Completing } from './completion';
import { t } from './messages';
import { offers } from './offers.svelte';
import { findPaths } from './paths';
import { COMMANDS } from './slash';

/** Something that completes what is being typed. */
export interface Suggestion {
  id: string;
  /** What is put in its place. */
  insert: string;
  title: string;
  note: string;
}

const MOST = 8;
const WAIT_MS = 80;

function fitting(names: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const starts = names.filter((name) => name.toLowerCase().startsWith(wanted));
  const holds = names.filter((name) => !starts.includes(name) && name.toLowerCase().includes(wanted));
  return [...starts, ...holds];
}

function commands(typed: string): Suggestion[] {
  return fitting(COMMANDS, typed).map((name) => ({
    id: `/${name}`,
    insert: `/${name}`,
    title: `/${name}`,
    note: t(`cmd_${name as (typeof COMMANDS)[number]}`),
  }));
}

function agents(typed: string, sign: string): Suggestion[] {
  return fitting(
    offers.agents.map((agent) => agent.name),
    typed,
  ).map((name) => ({
    id: `agent ${name}`,
    insert: sign + name,
    title: `@${name}`,
    note: ofServer(offers.agents.find((agent) => agent.name === name)?.description ?? ''),
  }));
}

function models(typed: string): Suggestion[] {
  const names = offers.chatModels.map((model) => model.name);
  return fitting(names, typed).map((name) => ({ id: `model ${name}`, insert: name, title: name, note: '' }));
}

/** What may complete the text before the caret. */
export class Suggestions {
  found = $state.raw<Suggestion[]>([]);
  active = $state(0);
  #at: Completing | null = null;
  #asking: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly workspaceId: string) {}

  get current(): Suggestion | undefined {
    return this.found[this.active];
  }

  /** Looks for what completes the text. */
  look(text: string, caret: number): void {
    this.close();
    this.#at = completing(text, caret);
    if (!this.#at) return;
    const { kind, typed, from } = this.#at;
    if (kind === 'command') this.#show(commands(typed));
    else if (kind === 'agent') this.#show(agents(typed, ''));
    else if (kind === 'model') this.#show(models(typed));
    else this.#lookForPaths(typed, text.slice(0, from).trim() === '' ? agents(typed, '@') : []);
  }

  /** Goes to the next suggestion, or with -1 to the one before. */
  step(by: 1 | -1): void {
    this.active = (this.active + by + this.found.length) % Math.max(1, this.found.length);
  }

  /** Puts a suggestion in the text. */
  take(text: string, suggestion: Suggestion): { text: string; caret: number } | null {
    const done = this.#at && complete(text, this.#at, suggestion.insert);
    this.close();
    return done;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.found = [];
    this.active = 0;
  }

  #show(found: Suggestion[]): void {
    // What stands there already needs no suggestion.
    this.found = found.length === 1 && found[0]?.insert === `/${this.#at?.typed}` ? [] : found.slice(0, MOST);
  }

  #lookForPaths(typed: string, first: Suggestion[]): void {
    this.#show(first);
    const asking = new AbortController();
    this.#asking = asking;
    this.#timer = setTimeout(() => void this.#ask(typed, first, asking.signal), WAIT_MS);
  }

  async #ask(typed: string, first: Suggestion[], signal: AbortSignal): Promise<void> {
    const paths = await findPaths(this.workspaceId, typed, signal).catch((): string[] => []);
    if (signal.aborted) return;
    const named = paths.map((path) => ({
      id: `path ${path}`,
      insert: mentionOf(path),
      title: path.split('/').findLast((part) => part !== '') ?? path,
      note: path,
    }));
    this.#show([...first, ...named]);
  }
}
