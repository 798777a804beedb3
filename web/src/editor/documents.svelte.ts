import { SvelteMap } from 'svelte/reactivity';

import { account } from '../auth/account.svelte';
import { storage } from '../browser/storage';
import { editing, optionsPart, parts, phrasesPart } from '../codemirror/setup';
import { language } from '../i18n';
import { explain } from '../ui/explain';
import { nameOf } from '../ui/paths';
import { toasts } from '../ui/toasts.svelte';
import { reveal } from '../ui/visible';
import { fileChanges, type Changes } from '../workbench/changes.svelte';
import { onHandOver } from '../workbench/moves';
import { tabs } from '../workbench/tabs.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { askBeforeClosing } from './asking';
import { CONFIG, configure, forgetConfig } from './configuring';
import { Drafts } from './drafts';
import { checkText, lookAt, readFile, writeFile } from './files';
import { concerns } from './live';
import { t } from './messages';
import { OpenDocument, type DraftKeeper, type Server } from './open-document.svelte';
import { options } from './options.svelte';
import { problems } from './problems.svelte';
import { askingAboutSelection } from './selection-action';
import { follow } from './shown';

/** The tab of a file. */
export function tabIdOf(path: string): string {
  return `file:${path}`;
}

/** The text files that are open, each as long as it has a tab. */
class Documents {
  #open = new SvelteMap<string, OpenDocument>();
  #unguard = new Map<string, () => void>();

  constructor() {
    $effect.root(() => {
      $effect(() => {
        const wanted = new Set(tabs.all.map((tab) => tab.id));
        for (const [path, document] of this.#open) {
          if (!wanted.has(tabIdOf(path))) this.#drop(document);
        }
      });
    });
    fileChanges.on((changes) => void this.follow(changes));
    onHandOver((from, to) => this.find(from)?.handOver(to) ?? false);
    window.addEventListener('beforeunload', (event) => {
      this.flush();
      if (this.unsaved.length > 0) event.preventDefault();
    });
    window.addEventListener('pagehide', () => this.flush());
    document.addEventListener('visibilitychange', () => document.hidden && this.flush());
  }

  get all(): OpenDocument[] {
    return [...this.#open.values()];
  }

  get unsaved(): OpenDocument[] {
    return this.all.filter((document) => document.isUnsaved);
  }

  /** Finds an open file. */
  find(path: string | undefined): OpenDocument | null {
    return (path !== undefined && this.#open.get(path)) || null;
  }

  /** Opens a file, or finds it where it is open. */
  open(path: string): OpenDocument {
    const known = this.#open.get(path);
    if (known) return known;
    const opened = new OpenDocument(path, serverOf(workspace.id), draftsOf(workspace.id), extensions(path), {
      changed,
      moved: follow,
      checked: (of, found) => {
        if (found.length > 0) problems.set(of, found);
        else problems.delete(of);
      },
    });
    this.#open.set(path, opened);
    this.#unguard.set(path, tabs.guard(tabIdOf(path), () => mayClose(opened)));
    void opened.load().then(() => configure(opened, workspace.id));
    return opened;
  }

  /** Saves a file and says so if that fails; returns whether it is saved. */
  async save(document: OpenDocument): Promise<boolean> {
    try {
      await document.save();
    } catch (error) {
      toasts.show(t('notSaved', { path: reveal(document.path), why: explain(error) }), 'bad');
    }
    return !document.isUnsaved;
  }

  /** Saves all files that have something unsaved. */
  async saveAll(): Promise<void> {
    await Promise.all(this.unsaved.map((document) => this.save(document)));
  }

  /** Looks at those files again that something happened to on the disk. */
  async follow(changes: Changes): Promise<void> {
    if (concerns(changes, CONFIG)) forgetConfig(changes.workspace_id);
    const concerned = this.all.filter((document) => concerns(changes, document.path));
    // One that cannot be read just now is looked at again when the next change is told.
    await Promise.allSettled(concerned.map((document) => document.refresh()));
  }

  /** Keeps everything unsaved in this browser, now. */
  flush(): void {
    for (const document of this.all) document.flush();
  }

  #drop(document: OpenDocument): void {
    this.#open.delete(document.path);
    this.#unguard.get(document.path)?.();
    this.#unguard.delete(document.path);
    document.dispose();
  }
}

function changed(document: OpenDocument): void {
  const id = tabIdOf(document.path);
  if (Boolean(tabs.unsaved[id]) === document.isUnsaved) return;
  tabs.unsaved[id] = document.isUnsaved;
  if (document.isUnsaved) tabs.pin(id);
}

async function mayClose(document: OpenDocument): Promise<boolean> {
  if (!document.isUnsaved) return true;
  tabs.activeId = tabIdOf(document.path);
  const answer = await askBeforeClosing(nameOf(document.path));
  if (answer === 'save') return documents.save(document);
  if (answer === 'discard') document.giveUp();
  return answer === 'discard';
}

function extensions(path: string) {
  return [
    parts.indentation.of([]),
    parts.language.of([]),
    parts.options.of(optionsPart(options.current)),
    parts.phrases.of(phrasesPart(language.current, path)),
    askingAboutSelection,
    editing(),
  ];
}

function serverOf(workspaceId: string): Server {
  return {
    read: (path) => readFile(workspaceId, path),
    look: (path) => lookAt(workspaceId, path),
    write: (path, text, expected) => writeFile(workspaceId, path, text, expected),
    check: (path, text) => checkText(workspaceId, path, text),
  };
}

function draftsOf(workspaceId: string): DraftKeeper {
  const drafts = new Drafts(storage.store, account.user?.id ?? '');
  return {
    find: (path) => drafts.find(workspaceId, path),
    keep: (path, base, text) => drafts.keep(workspaceId, path, base, text),
    forget: (path) => drafts.forget(workspaceId, path),
  };
}

/** The text files that are open in this tab of the browser. */
export const documents = new Documents();
