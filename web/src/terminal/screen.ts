import '@xterm/xterm/css/xterm.css';

import { FitAddon } from '@xterm/addon-fit';
import { type IBufferRange, Terminal } from '@xterm/xterm';

import { coloursOf } from './colours';
import { find } from './finding';

const FONT_PX = 13;
const LINES = 10_000;

/** What a screen tells whoever made it. */
export interface Keyboard {
  typed(bytes: Uint8Array<ArrayBuffer>): void;
  resized(cols: number, rows: number): void;
  /** The keys that find something were pressed. */
  find(): void;
}

/** One xterm, which outlives the pane that shows it. */
export class Screen {
  readonly place = document.createElement('div');
  #terminal: Terminal;
  #fit = new FitAddon();
  #opened = false;
  #isReplaying = false;
  #encoder = new TextEncoder();

  constructor(private readonly keyboard: Keyboard) {
    this.place.className = 'screen';
    this.place.dataset.ownKeys = '';
    this.#terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: false,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-mono'),
      fontSize: FONT_PX,
      minimumContrastRatio: 4.5,
      scrollback: LINES,
    });
    this.#terminal.loadAddon(this.#fit);
    // A link whose text says one thing and leads elsewhere: its text stays, the link does not.
    this.#terminal.parser.registerOscHandler(8, () => true);
    this.#terminal.attachCustomKeyEventHandler((event) => this.#press(event));
    this.#terminal.onData((text) => this.#type(this.#encoder.encode(text)));
    this.#terminal.onBinary((text) => this.#type(Uint8Array.from(text, (one) => one.charCodeAt(0))));
    this.#terminal.onResize(({ cols, rows }) => keyboard.resized(cols, rows));
  }

  /** Shows it in a pane. */
  async show(pane: HTMLElement, label: string): Promise<void> {
    pane.append(this.place);
    if (this.#opened) {
      this.fit();
      return;
    }
    this.#opened = true;
    // Letters are measured once, when it is opened.
    await document.fonts.load(`${FONT_PX}px "JetBrains Mono Variable"`);
    this.#terminal.open(this.place);
    this.#terminal.textarea?.setAttribute('aria-label', label);
    this.#terminal.textarea?.setAttribute('data-first-focus', '');
    this.recolour();
    this.fit();
  }

  /** Takes as much room as there is. */
  fit(): void {
    if (!this.#opened || this.place.clientHeight === 0) return;
    const { selection } = this;
    const place = this.#terminal.getSelectionPosition();
    this.#fit.fit();
    // xterm gives it up with each change of its height, as when the search bar comes or goes.
    if (place && !this.#terminal.hasSelection()) this.#select(place);
    if (this.selection !== selection) this.#terminal.clearSelection();
  }

  recolour(): void {
    if (this.place.isConnected) this.#terminal.options.theme = coloursOf(this.place);
  }

  focus(): void {
    this.#terminal.focus();
  }

  set screenReaderMode(on: boolean) {
    this.#terminal.options.screenReaderMode = on;
  }

  /** Shows more. What a program asked in a replay was answered then, and is not answered again. */
  print(bytes: Uint8Array, isReplay: boolean, shown: () => void): void {
    if (isReplay) this.#isReplaying = true;
    this.#terminal.write(bytes, () => {
      if (isReplay) this.#isReplaying = false;
      shown();
    });
  }

  reset(): void {
    this.#terminal.reset();
  }

  clear(): void {
    this.#terminal.clear();
  }

  /** Selects the next text like this one; says whether there is one. */
  find(wanted: string, how: { back?: boolean; growing?: boolean }): boolean {
    return find(this.#terminal, wanted, how);
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  dispose(): void {
    this.#terminal.dispose();
    this.place.remove();
  }

  #select({ start, end }: IBufferRange): void {
    this.#terminal.select(start.x, start.y, (end.y - start.y) * this.#terminal.cols + end.x - start.x);
  }

  #type(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isReplaying) this.keyboard.typed(bytes);
  }

  /** All keys are the shell's but for these; those of the page never come here. */
  #press(event: KeyboardEvent): boolean {
    const isOurs = event.ctrlKey && event.shiftKey && !event.altKey;
    if (!isOurs || !['KeyC', 'KeyF'].includes(event.code)) return true;
    event.preventDefault();
    if (event.type !== 'keydown') return false;
    if (event.code === 'KeyF') this.keyboard.find();
    else if (this.selection) void navigator.clipboard.writeText(this.selection);
    return false;
  }
}
