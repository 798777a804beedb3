import { describe, expect, it } from 'vitest';

import { hasUnsaved, opened, statusOf, step, type DocumentState, type Happening } from './document';

const THEIRS = { hash: 'b', text: 'theirs' };

function after(state: DocumentState, ...happenings: Happening[]): DocumentState {
  return happenings.reduce((now, happening) => step(now, happening).state, state);
}

const dirty = after(opened('a'), { what: 'edited', isSame: false });
const conflict = after(dirty, { what: 'found', disk: THEIRS, isSame: false });

describe('a document', () => {
  it('is edited, saved, and edited while it is saved', () => {
    expect(statusOf(opened('a'))).toBe('clean');
    expect(statusOf(dirty)).toBe('dirty');
    expect(statusOf(after(dirty, { what: 'edited', isSame: true }))).toBe('clean');
    const saving = step(dirty, { what: 'save' });
    expect(saving.effect).toEqual({ kind: 'write', expected: 'a' });
    expect(statusOf(saving.state)).toBe('saving');
    expect(step(saving.state, { what: 'save' }).effect).toBeUndefined();
    expect(after(saving.state, { what: 'saved', hash: 'c' })).toEqual(opened('c'));
    const typed = after(saving.state, { what: 'edited', isSame: false }, { what: 'saved', hash: 'c' });
    expect(typed).toEqual(opened('c', true));
  });

  it('loses nothing when saving fails', () => {
    const failed = after(dirty, { what: 'save' }, { what: 'failed' });
    expect(statusOf(failed)).toBe('dirty');
    expect(step(failed, { what: 'save' }).effect).toEqual({ kind: 'write', expected: 'a' });
  });

  it('takes over what changed outside, unless something is unsaved', () => {
    const clean = step(opened('a'), { what: 'found', disk: THEIRS, isSame: false });
    expect(clean).toEqual({ state: opened('b'), effect: { kind: 'show', text: 'theirs' } });
    expect(statusOf(conflict)).toBe('conflict');
    expect(step(conflict, { what: 'save' })).toEqual({ state: conflict });
    expect(hasUnsaved(conflict)).toBe(true);
  });

  it('sees no conflict where both wrote the same, or where it changed back', () => {
    expect(after(dirty, { what: 'found', disk: THEIRS, isSame: true })).toEqual(opened('b'));
    expect(after(conflict, { what: 'found', disk: { hash: 'a', text: '' }, isSame: false })).toEqual(dirty);
  });

  it('is refused because somebody else saved meanwhile', () => {
    const refused = after(dirty, { what: 'save' }, { what: 'found', disk: THEIRS, isSame: false });
    expect(statusOf(refused)).toBe('conflict');
  });

  it('has three ways out of a conflict', () => {
    const mine = step(conflict, { what: 'keep-mine' });
    expect(mine.effect).toEqual({ kind: 'write', expected: 'b' });
    const merged = step(conflict, { what: 'merged' });
    expect(merged.effect).toEqual({ kind: 'write', expected: 'b' });
    expect(hasUnsaved(merged.state)).toBe(true);
    const theirs = step(conflict, { what: 'take-theirs' });
    expect(theirs).toEqual({ state: opened('b'), effect: { kind: 'show', text: 'theirs' } });
    expect(step(dirty, { what: 'keep-mine' })).toEqual({ state: dirty });
  });

  it('keeps a text whose file was deleted, and brings it back by saving', () => {
    const deleted = after(dirty, { what: 'found', disk: 'gone', isSame: false });
    expect(statusOf(deleted)).toBe('deleted');
    expect(step(deleted, { what: 'save' }).effect).toEqual({ kind: 'write', expected: '' });
    const back = after(deleted, { what: 'found', disk: { hash: 'a', text: '' }, isSame: false });
    expect(statusOf(back)).toBe('dirty');
    expect(after(opened(''), { what: 'found', disk: 'gone', isSame: true })).toEqual(opened(''));
  });
});
