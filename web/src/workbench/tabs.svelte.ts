import { nameOf } from '../ui/paths';

/** What a tab may show; the frame knows where the code for each is. */
export type TabKind = 'file' | 'diff' | 'review' | 'image' | 'markdown' | 'stage';

/** Something open in the editor area. */
export interface Tab {
  /** The same id is the same tab. */
  id: string;
  kind: TabKind;
  title: string;
  /** The file that it shows, if it shows one. */
  path?: string | undefined;
  /** Whether the next tab of the kind takes its place: it was opened by a mere look. */
  preview?: boolean | undefined;
  /** What its kind needs to show it. */
  data?: unknown;
}

/** A place in a file, from 1. */
export interface Place {
  line: number;
  column?: number | undefined;
  endLine?: number | undefined;
}

class Tabs {
  all = $state<Tab[]>([]);
  activeId = $state<string | null>(null);
  /** Tabs with changes that are not saved; their kinds keep it. */
  unsaved = $state<Record<string, boolean>>({});
  /** Where the file's tab should go to; the tab takes it. */
  places = $state<Record<string, Place>>({});
  #guards = new Map<string, () => Promise<boolean>>();

  get active(): Tab | null {
    return this.all.find((tab) => tab.id === this.activeId) ?? null;
  }

  /** Opens a tab, or goes to it when it is open. */
  open(tab: Tab): void {
    const known = this.all.findIndex((each) => each.id === tab.id);
    const replaced = this.all.findIndex((each) => each.preview && !this.unsaved[each.id]);
    if (known >= 0) this.all[known] = { ...tab, preview: tab.preview && this.all[known]?.preview };
    else if (tab.preview && replaced >= 0) this.all[replaced] = tab;
    else this.all.push(tab);
    this.activeId = tab.id;
  }

  /** Opens a file, at a place if one is named. */
  openFile(path: string, { place, preview = false }: { place?: Place; preview?: boolean } = {}): void {
    const id = `file:${path}`;
    if (place) this.places[id] = place;
    this.open({ id, kind: 'file', title: nameOf(path), path, preview });
  }

  /** Moves a tab by so many places, as far as there are any. */
  move(id: string, by: number): void {
    const from = this.all.findIndex((tab) => tab.id === id);
    const to = Math.max(0, Math.min(this.all.length - 1, from + by));
    const [tab] = from < 0 ? [] : this.all.splice(from, 1);
    if (tab) this.all.splice(to, 0, tab);
  }

  /** Makes a tab stay. */
  pin(id: string): void {
    const tab = this.all.find((each) => each.id === id);
    if (tab) tab.preview = false;
  }

  /** Has a tab asked before it is closed; the answer says whether it may. */
  guard(id: string, ask: () => Promise<boolean>): () => void {
    this.#guards.set(id, ask);
    return () => this.#guards.delete(id);
  }

  /** Closes a tab, unless its guard says no. */
  async close(id: string): Promise<boolean> {
    const guard = this.#guards.get(id);
    if (guard && !(await guard())) return false;
    const index = this.all.findIndex((tab) => tab.id === id);
    if (index < 0) return true;
    this.all.splice(index, 1);
    delete this.unsaved[id];
    delete this.places[id];
    if (this.activeId === id) this.activeId = (this.all[index] ?? this.all[index - 1])?.id ?? null;
    return true;
  }

  /** Closes everything without asking: another workspace is opened. */
  clear(): void {
    this.all = [];
    this.activeId = null;
    this.unsaved = {};
    this.places = {};
  }

  /** Goes to the next tab, or with -1 to the one before. */
  step(by: 1 | -1): void {
    const index = this.all.findIndex((tab) => tab.id === this.activeId);
    const next = this.all[(index + by + this.all.length) % this.all.length];
    if (next) this.activeId = next.id;
  }
}

/** What is open in the editor area. */
export const tabs = new Tabs();
