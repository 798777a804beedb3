import { storage } from '../browser/storage';

/** What was written and not sent yet. */
export interface Draft {
  text: string;
  /** Messages that wait for the end of a turn. */
  queue: string[];
}

const KEY = 'codelab.draft.';

/** Reads what was written for a session; it outlives the page and the sign-in. */
export function readDraft(place: string): Draft {
  const kept = storage.json(KEY + place) as Partial<Draft> | null;
  const queue = Array.isArray(kept?.queue) ? kept.queue.filter((each) => typeof each === 'string') : [];
  return { text: typeof kept?.text === 'string' ? kept.text : '', queue };
}

/** Keeps what is written for a session. */
export function keepDraft(place: string, draft: Draft): void {
  if (draft.text === '' && draft.queue.length === 0) storage.removeItem(KEY + place);
  else storage.setItem(KEY + place, JSON.stringify(draft));
}
