// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';

import { ApiProblem } from '../api/problem';
import type { Disk } from './document';
import type { Checked, FileText, Problem } from './files';
import { OpenDocument, type DraftKeeper, type Server } from './open-document.svelte';

/** A disk with one file, which answers like the server. */
class OneFile implements Server {
  writes: string[] = [];
  waiting: (() => void) | null = null;
  holds = false;

  constructor(
    public text: string | null,
    public hash = '1',
  ) {}

  read(path: string): Promise<FileText> {
    if (this.text === null) return Promise.reject(new ApiProblem(404, 'file_not_found', ''));
    const { text, hash } = this;
    return Promise.resolve({ path, content: text, hash, size: 0, encoding: 'utf-8', read_only: false });
  }

  look(): Promise<Disk | 'gone'> {
    return Promise.resolve(this.text === null ? 'gone' : { text: this.text, hash: this.hash });
  }

  async write(_: string, text: string, expected: string): Promise<string> {
    if (this.holds) await new Promise<void>((resolve) => (this.waiting = resolve));
    if (expected !== (this.text === null ? '' : this.hash)) throw new ApiProblem(412, 'file_changed', '');
    this.change(text);
    this.writes.push(text);
    return this.hash;
  }

  check(_: string, text: string): Promise<Checked> {
    const problem = { line: 1, column: 1, message: 'bad', severity: 'error', source: 'X' } as const;
    return Promise.resolve({ language: 'X', problems: text.includes('!') ? [problem] : [] });
  }

  change(text: string | null): void {
    this.text = text;
    this.hash = String(Number(this.hash) + 1);
  }
}

class Kept implements DraftKeeper {
  drafts: Record<string, { base: string; text: string }> = {};
  find = (path: string) => this.drafts[path] ?? null;
  keep = (path: string, base: string, text: string) => Boolean((this.drafts[path] = { base, text }));
  forget = (path: string) => delete this.drafts[path];

  get draft() {
    return this.find('a.x');
  }
}

async function open(disk: OneFile, kept = new Kept()) {
  const checked: (readonly Problem[])[] = [];
  const document = new OpenDocument('a.x', disk, kept, [], {
    changed: () => {},
    moved: () => {},
    checked: (_, problems) => checked.push(problems),
  });
  await document.load();
  return { document, kept, checked };
}

function type(document: OpenDocument, insert: string): void {
  document.dispatch({ changes: { from: document.state.doc.length, insert } });
}

describe('an open file', () => {
  it('is saved as it was read, line endings and all', async () => {
    const disk = new OneFile('a\r\nb');
    const { document, kept } = await open(disk);
    type(document, '\nc');
    expect(document.status).toBe('dirty');
    document.flush();
    expect(kept.draft).toEqual({ base: '1', text: 'a\r\nb\r\nc' });
    await document.save();
    expect(disk.text).toBe('a\r\nb\r\nc');
    expect([document.status, kept.draft]).toEqual(['clean', null]);
    document.dispatch({ changes: { from: 0, insert: 'x' } });
    document.dispatch({ changes: { from: 0, to: 1 } });
    expect(document.status).toBe('clean');
  });

  it('follows what changes outside and keeps the cursor', async () => {
    const disk = new OneFile('one\ntwo\nthree');
    const { document } = await open(disk);
    document.dispatch({ selection: { anchor: 9 } });
    disk.change('zero\none\ntwo\nthree');
    await document.refresh();
    expect(document.text).toBe('zero\none\ntwo\nthree');
    expect(document.state.selection.main.anchor).toBe(14);
    expect(document.status).toBe('clean');
    disk.change('zero\r\none');
    await document.refresh();
    expect([document.newline, document.text]).toEqual(['CRLF', 'zero\r\none']);
  });

  it('has a conflict with three ways out when both changed', async () => {
    for (const [choice, expected] of [
      ['keep-mine', 'base mine'],
      ['take-theirs', 'theirs'],
      ['merged', 'base mine and theirs'],
    ] as const) {
      const disk = new OneFile('base');
      const { document } = await open(disk);
      type(document, ' mine');
      disk.change('theirs');
      await document.save();
      expect([document.status, document.theirs?.text, disk.text]).toEqual(['conflict', 'theirs', 'theirs']);
      if (choice === 'merged') type(document, ' and theirs');
      await document.decide(choice);
      expect([document.status, document.text, disk.text]).toEqual(['clean', expected, expected]);
    }
  });

  it('is not confused by its own save, nor by typing during it', async () => {
    const disk = new OneFile('a');
    const { document } = await open(disk);
    disk.holds = true;
    type(document, 'b');
    const saving = document.save();
    await document.refresh();
    type(document, 'c');
    disk.waiting?.();
    await saving;
    expect([document.status, document.text, disk.text]).toEqual(['dirty', 'abc', 'ab']);
  });

  it('comes back after it was deleted, by saving', async () => {
    const disk = new OneFile('a');
    const { document } = await open(disk);
    disk.change(null);
    await document.refresh();
    expect(document.status).toBe('deleted');
    await document.save();
    expect([document.status, disk.text]).toEqual(['clean', 'a']);
  });

  it('loses nothing when saving fails', async () => {
    const disk = new OneFile('a');
    const { document } = await open(disk);
    type(document, 'b');
    disk.write = () => Promise.reject(new ApiProblem(507, 'disk_full', 'full'));
    await expect(document.save()).rejects.toThrow('full');
    expect([document.status, document.text]).toEqual(['dirty', 'ab']);
  });

  it('can be saved again after a save whose conflict could not be looked at', async () => {
    const disk = new OneFile('a');
    const { document } = await open(disk);
    type(document, 'b');
    disk.change('theirs');
    const { look } = disk;
    disk.look = () => Promise.reject(new ApiProblem(503, 'unavailable', 'down'));
    await expect(document.save()).rejects.toThrow();
    expect(document.status).toBe('dirty');
    disk.look = look;
    await document.save();
    expect([document.status, document.text]).toEqual(['conflict', 'ab']);
  });

  it('shows the newest text however many changes are told of at once', async () => {
    const disk = new OneFile('0');
    const { document } = await open(disk);
    const answers: (() => void)[] = [];
    disk.look = () => {
      const now = { text: disk.text ?? '', hash: disk.hash };
      return new Promise((resolve) => answers.push(() => resolve(now)));
    };
    const looks = ['1', '2', '3'].map((text) => {
      disk.change(text);
      return document.refresh();
    });
    const answered = Promise.all(looks);
    // The network brings them in whatever order it likes.
    while (document.text !== '3') {
      answers.splice(0).toReversed().forEach((answer) => answer());
      await Promise.resolve();
    }
    await answered;
    expect([answers.length, document.text]).toEqual([0, '3']);
  });

  it('leaves alone what another window keeps of the same file', async () => {
    const disk = new OneFile('a');
    const kept = new Kept();
    const { document } = await open(disk, kept);
    kept.keep('a.x', '1', 'typed in the other window');
    disk.change('b');
    await document.refresh();
    document.dispose();
    expect([document.text, kept.draft?.text]).toEqual(['b', 'typed in the other window']);

    const both = new Kept();
    const windows = await Promise.all([open(disk, both), open(disk, both)]);
    const [mine, theirs] = windows.map((window) => window.document);
    type(mine!, ' mine');
    mine!.flush();
    type(theirs!, ' theirs');
    theirs!.flush();
    await theirs!.save();
    expect(both.draft).toBeNull();
    await mine!.refresh();
    expect([mine!.status, both.draft?.text]).toEqual(['conflict', 'b mine']);
  });

  it('puts back what was not saved, even over a change or a deletion', async () => {
    const kept = new Kept();
    kept.keep('a.x', '1', 'mine');
    expect((await open(new OneFile('a'), kept)).document).toMatchObject({ text: 'mine', status: 'dirty' });
    const { document } = await open(new OneFile('theirs', '2'), kept);
    expect(document).toMatchObject({ text: 'mine', status: 'conflict', theirs: { text: 'theirs' } });
    expect((await open(new OneFile(null), kept)).document).toMatchObject({ text: 'mine', status: 'deleted' });
    expect((await open(new OneFile('mine', '9'), kept)).document).toMatchObject({ status: 'clean' });
    expect(kept.draft).toBeNull();
  });

  it('tells of the problems of its text', async () => {
    const { document, checked } = await open(new OneFile('a!'));
    await expect.poll(() => checked.at(-1)?.length).toBe(1);
    document.dispatch({ changes: { from: 1, to: 2 } });
    await expect.poll(() => checked.at(-1)?.length, { timeout: 3000 }).toBe(0);
  });

  it('says why it cannot be opened', async () => {
    const { document } = await open(new OneFile(null));
    expect([document.phase, (document.error as ApiProblem).code]).toEqual(['failed', 'file_not_found']);
  });

  it('hands over what is unsaved to the path that the file has got', async () => {
    const { document, kept } = await open(new OneFile('a'));
    expect(document.handOver('b.x')).toBe(false);
    type(document, 'bc');
    expect(document.handOver('b.x')).toBe(true);
    expect([document.isUnsaved, kept.drafts]).toEqual([false, { 'b.x': { base: '1', text: 'abc' } }]);
  });
});
