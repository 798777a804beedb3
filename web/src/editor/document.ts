/** What is on the disk now. */
export interface Disk {
  hash: string;
  text: string;
}

/** One open document, apart from its text, which belongs to the editor. */
export interface DocumentState {
  /** Hash of the file's bytes that the text began from; empty where there was no file. */
  readonly base: string;
  /** Whether the text differs from what was read or saved last. */
  readonly isEdited: boolean;
  readonly isSaving: boolean;
  /** Whether the text has changed since what is being saved was sent. */
  readonly isEditedSince: boolean;
  /** What somebody else has made of the file meanwhile. */
  readonly theirs: Disk | 'gone' | null;
}

export type Status = 'clean' | 'dirty' | 'saving' | 'conflict' | 'deleted';

/** What happened; `isSame` says whether the text is now what was last read, saved or found. */
export type Happening =
  | { what: 'edited'; isSame: boolean }
  | { what: 'save' }
  | { what: 'saved'; hash: string }
  | { what: 'failed' }
  | { what: 'found'; disk: Disk | 'gone'; isSame: boolean }
  | { what: 'keep-mine' }
  | { what: 'take-theirs' }
  | { what: 'merged' };

/** What is to be done about it; a write is refused if the file has another hash than expected. */
export type Effect = { kind: 'show'; text: string } | { kind: 'write'; expected: string };

export interface Step {
  state: DocumentState;
  effect?: Effect;
}

/** A document as it was read; with unsaved text from before, it is edited. */
export function opened(base: string, isEdited = false): DocumentState {
  return { base, isEdited, isSaving: false, isEditedSince: false, theirs: null };
}

/** Names the state that a document is in, the one that needs somebody first. */
export function statusOf(state: DocumentState): Status {
  if (state.theirs === 'gone') return 'deleted';
  if (state.theirs !== null) return 'conflict';
  if (state.isSaving) return 'saving';
  return state.isEdited ? 'dirty' : 'clean';
}

/** Says whether text would be lost if the document were closed now. */
export function hasUnsaved(state: DocumentState): boolean {
  return state.isEdited || state.isSaving;
}

/** Takes a document from one state to the next. */
export function step(state: DocumentState, happening: Happening): Step {
  switch (happening.what) {
    case 'edited':
      return { state: { ...state, isEdited: !happening.isSame, isEditedSince: true } };
    case 'save':
      return save(state);
    case 'saved': {
      const isEdited = state.isEditedSince;
      return { state: { ...opened(happening.hash), isEdited } };
    }
    case 'failed':
      return { state: { ...state, isSaving: false, isEdited: true } };
    case 'found':
      return found({ ...state, isSaving: false }, happening.disk, happening.isSame);
    default:
      return decided(state, happening.what);
  }
}

function save(state: DocumentState): Step {
  if (state.isSaving || (state.theirs !== null && state.theirs !== 'gone')) return { state };
  // What was deleted underneath comes back by saving it.
  const expected = state.theirs === 'gone' ? '' : state.base;
  return {
    state: { ...state, isSaving: true, isEditedSince: false, theirs: null },
    effect: { kind: 'write', expected },
  };
}

function found(state: DocumentState, disk: Disk | 'gone', isSame: boolean): Step {
  if (disk === 'gone') return { state: { ...state, theirs: state.base === '' ? null : 'gone' } };
  if (disk.hash === state.base) return { state: { ...state, theirs: null } };
  if (isSame) return { state: opened(disk.hash) };
  if (!state.isEdited) return { state: opened(disk.hash), effect: { kind: 'show', text: disk.text } };
  return { state: { ...state, theirs: disk } };
}

function decided(state: DocumentState, choice: 'keep-mine' | 'take-theirs' | 'merged'): Step {
  const { theirs } = state;
  if (theirs === null || theirs === 'gone') return { state };
  if (choice === 'take-theirs') {
    return { state: opened(theirs.hash), effect: { kind: 'show', text: theirs.text } };
  }
  return save(opened(theirs.hash, true));
}
