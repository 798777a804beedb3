import { setDiagnostics } from '@codemirror/lint';
import { EditorState, Text, type Extension, type TransactionSpec } from '@codemirror/state';
import { EditorView, type ViewUpdate } from '@codemirror/view';

import { LARGEST_HIGHLIGHTED } from '../codemirror/languages';
import { newlineOf, separatorOf, type Newline } from '../codemirror/newlines';
import { newlinePart, parts, readOnlyPart } from '../codemirror/setup';
import { hasUnsaved, opened, statusOf, step, type Disk, type Happening, type Status } from './document';
import { LONGEST_DRAFT } from './drafts';
import { isChanged, type Checked, type FileText, type Problem } from './files';
import { diagnosticOf, replacement } from './positions';

/** The server, as far as one workspace's files go. */
export interface Server {
  read(path: string): Promise<FileText>;
  look(path: string): Promise<Disk | 'gone'>;
  write(path: string, text: string, expected: string): Promise<string>;
  check(path: string, text: string): Promise<Checked>;
}

/** Where unsaved text outlives the page. */
export interface DraftKeeper {
  find(path: string): { base: string; text: string } | null;
  keep(path: string, base: string, text: string): boolean;
  forget(path: string): void;
}

/** What a document tells those around it. */
export interface Listeners {
  /** Its state or its text has changed. */
  changed(document: OpenDocument): void;
  /** Its selection has moved while it is shown. */
  moved(document: OpenDocument): void;
  checked(path: string, problems: readonly Problem[]): void;
}

const DRAFT_MS = 400;
const CHECK_MS = 700;
const LARGEST_CHECKED = 1_000_000;

/**
 * A text file that is open: its text, its state and what is unsaved.
 *
 * It lives as long as its tab, whether an editor shows it or not.
 */
export class OpenDocument {
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<unknown>(null);
  isRestored = $state(false);
  isReadOnly = $state(false);
  encoding = $state('utf-8');
  newline = $state<Newline>('LF');
  /** How often its text was exchanged or changed; what shows the text follows it. */
  version = $state(0);
  #machine = $state.raw(opened(''));

  #state = EditorState.create();
  #view: EditorView | null = null;
  #saved: Text = this.#state.doc;
  #isShowing = false;
  #saves = 0;
  #isStale = false;
  #isLooking = false;
  /** The text that was kept last; another window's of the same file is not ours to forget. */
  #kept: string | null = null;
  #isCheckable = true;
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly path: string,
    private readonly server: Server,
    private readonly drafts: DraftKeeper,
    private readonly extensions: Extension,
    private readonly listeners: Listeners,
  ) {}

  get status(): Status {
    return statusOf(this.#machine);
  }

  get isUnsaved(): boolean {
    return hasUnsaved(this.#machine);
  }

  /** What somebody else has made of the file, while there is something unsaved. */
  get theirs(): Disk | null {
    const { theirs } = this.#machine;
    return theirs === 'gone' ? null : theirs;
  }

  /** The editor's state, whether it is shown or not. */
  get state(): EditorState {
    return this.#view?.state ?? this.#state;
  }

  get view(): EditorView | null {
    return this.#view;
  }

  /** The text as it would be saved. */
  get text(): string {
    const { doc } = this.state;
    return doc.sliceString(0, doc.length, separatorOf(this.newline));
  }

  get isLarge(): boolean {
    return this.state.doc.length > LARGEST_HIGHLIGHTED;
  }

  /** Reads the file; text that was not saved last time is put back. */
  async load(): Promise<void> {
    this.phase = 'loading';
    const draft = this.drafts.find(this.path);
    this.#kept = draft?.text ?? null;
    try {
      this.#begin(await this.server.read(this.path));
      if (draft) this.#restore(draft);
    } catch (error) {
      if (!draft || !isMissing(error)) {
        this.error = error;
        this.phase = 'failed';
        return;
      }
      this.#begin({ path: this.path, content: '', hash: draft.base, size: 0, encoding: 'utf-8', read_only: false });
      this.#restore(draft);
      this.#take({ what: 'found', disk: 'gone', isSame: false });
    }
    this.phase = 'ready';
    this.listeners.changed(this);
    this.#checkSoon(0);
  }

  /** Shows the document in an editor, until that is destroyed. */
  attach(parent: HTMLElement): EditorView {
    this.#view = new EditorView({ state: this.#state, parent });
    this.listeners.moved(this);
    return this.#view;
  }

  /** Takes the text back from its editor. */
  detach(): void {
    if (!this.#view) return;
    this.#state = this.#view.state;
    this.#view.destroy();
    this.#view = null;
  }

  /** Changes the text, the selection or the configuration. */
  dispatch(...specs: TransactionSpec[]): void {
    if (this.#view) {
      this.#view.dispatch(...specs);
      return;
    }
    const transaction = this.#state.update(...specs);
    this.#state = transaction.state;
    if (transaction.docChanged) this.#textChanged();
  }

  /** Hears of what happens in the editor that shows it. */
  readonly updated = (update: ViewUpdate): void => {
    if (update.docChanged) this.#textChanged();
    const isOther = update.transactions.some((transaction) => transaction.reconfigured);
    if (update.docChanged || update.selectionSet || isOther) this.listeners.moved(this);
  };

  /**
   * Saves the document.
   *
   * @throws What the server refused; a conflict is no error but a state.
   */
  save(): Promise<void> {
    return this.#take({ what: 'save' });
  }

  /** Ends a conflict: with one's own text, the other one, or the merged one that is in the editor. */
  decide(choice: 'keep-mine' | 'take-theirs' | 'merged'): Promise<void> {
    return this.#take({ what: choice });
  }

  /** Looks at the file again: something happened to it, or may have. */
  async refresh(): Promise<void> {
    if (this.phase !== 'ready') {
      if (this.phase === 'failed') await this.load();
      return;
    }
    // One look at a time, so that no older answer comes after a newer one.
    this.#isStale = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#isStale && !this.#machine.isSaving) await this.#look();
    } finally {
      this.#isLooking = false;
    }
  }

  /** Writes the draft now: the page may go away. */
  flush(): void {
    clearTimeout(this.#draftTimer);
    // Of a longer one nothing is kept: writing it out again and again would hold the typing up.
    if (!this.isUnsaved || this.state.doc.length > LONGEST_DRAFT) return;
    const { text } = this;
    if (this.drafts.keep(this.path, this.#machine.base, text)) this.#kept = text;
  }

  /** Gives up what is unsaved, for good. */
  giveUp(): void {
    this.#machine = opened(this.#machine.base);
    this.#forget();
    this.listeners.changed(this);
  }

  /** Keeps what is unsaved for the path that the file has got, and holds it no longer itself. */
  handOver(path: string): boolean {
    if (!this.isUnsaved || this.state.doc.length > LONGEST_DRAFT) return false;
    if (!this.drafts.keep(path, this.#machine.base, this.text)) return false;
    this.giveUp();
    return true;
  }

  /** Ends the document: its tab is closed. */
  dispose(): void {
    this.flush();
    clearTimeout(this.#checkTimer);
    this.detach();
    this.listeners.checked(this.path, []);
  }

  #begin(file: FileText): void {
    this.encoding = file.encoding;
    this.isReadOnly = file.read_only;
    this.newline = newlineOf(file.content);
    this.#state = EditorState.create({
      doc: this.#linesOf(file.content),
      extensions: [
        parts.newline.of(newlinePart(this.newline)),
        parts.readOnly.of(readOnlyPart(file.read_only)),
        EditorView.updateListener.of(this.updated),
        this.extensions,
      ],
    });
    this.#saved = this.#state.doc;
    this.#machine = opened(file.hash);
  }

  #restore({ base, text }: { base: string; text: string }): void {
    if (text === this.text) {
      this.#forget();
      return;
    }
    const disk = { hash: this.#machine.base, text: this.text };
    this.#machine = opened(base);
    this.dispatch({ changes: { from: 0, to: this.state.doc.length, insert: this.#linesOf(text) } });
    this.isRestored = true;
    this.#find(disk);
  }

  async #look(): Promise<void> {
    this.#isStale = false;
    const saves = this.#saves;
    const disk = await this.server.look(this.path);
    // What was read before a save says nothing about what is there after it.
    if (saves !== this.#saves) this.#isStale = true;
    else this.#find(disk);
  }

  #find(disk: Disk | 'gone'): void {
    const isSame = disk !== 'gone' && disk.text === this.text;
    if (isSame) this.#saved = this.state.doc;
    void this.#take({ what: 'found', disk, isSame });
    // The other window that saved it may have forgotten the draft, which both of them keep.
    if (this.isUnsaved) this.flush();
  }

  async #take(happening: Happening): Promise<void> {
    const { state, effect } = step(this.#machine, happening);
    this.#machine = state;
    if (effect?.kind === 'show') this.#show(effect.text);
    if (!hasUnsaved(state)) this.#forget();
    this.listeners.changed(this);
    if (effect?.kind === 'write') await this.#write(effect.expected);
  }

  #show(text: string): void {
    this.newline = newlineOf(text);
    const lines = this.#linesOf(text);
    this.#isShowing = true;
    this.#saved = lines;
    this.dispatch({
      changes: replacement(this.state.doc.toString(), lines.toString()),
      effects: parts.newline.reconfigure(newlinePart(this.newline)),
    });
    this.#saved = this.state.doc;
    this.#isShowing = false;
  }

  async #write(expected: string): Promise<void> {
    this.#saves += 1;
    const sent = this.state.doc;
    try {
      const hash = await this.server.write(this.path, this.text, expected);
      this.#saved = sent;
      await this.#take({ what: 'saved', hash });
    } catch (error) {
      const disk = isChanged(error) ? await this.server.look(this.path).catch(() => null) : null;
      if (disk === null) {
        await this.#take({ what: 'failed' });
        throw error;
      }
      this.#find(disk);
    }
    if (this.#isStale) await this.refresh();
  }

  #textChanged(): void {
    this.version += 1;
    if (!this.#isShowing) {
      void this.#take({ what: 'edited', isSame: this.state.doc.eq(this.#saved) });
      clearTimeout(this.#draftTimer);
      this.#draftTimer = setTimeout(() => this.flush(), DRAFT_MS);
    }
    this.#checkSoon(CHECK_MS);
  }

  #checkSoon(wait: number): void {
    clearTimeout(this.#checkTimer);
    if (!this.#isCheckable || this.state.doc.length > LARGEST_CHECKED) {
      this.listeners.checked(this.path, []);
      return;
    }
    this.#checkTimer = setTimeout(() => void this.#check(), wait);
  }

  async #check(): Promise<void> {
    const { doc } = this.state;
    // Not being able to check is no problem of the text; the next change asks again.
    const found = await this.server.check(this.path, this.text).catch(() => null);
    if (found === null || this.state.doc !== doc) return;
    this.#isCheckable = found.language !== '';
    this.listeners.checked(this.path, found.problems);
    const diagnostics = found.problems.map((problem) => diagnosticOf(doc, problem));
    this.dispatch(setDiagnostics(this.state, diagnostics));
  }

  #forget(): void {
    clearTimeout(this.#draftTimer);
    if (this.#kept !== null && this.drafts.find(this.path)?.text === this.#kept) this.drafts.forget(this.path);
    this.#kept = null;
  }

  #linesOf(text: string): Text {
    return Text.of(text.split(separatorOf(this.newline)));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'file_not_found';
}
