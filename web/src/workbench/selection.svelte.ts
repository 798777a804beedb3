/** What is selected in the editor; lines from 1. */
export interface Selection {
  path: string;
  startLine: number;
  endLine: number;
  text: string;
}

class SelectionState {
  /** What is selected now, or none. */
  current = $state<Selection | null>(null);
  /** What the next message is about: the user asked about it. */
  asked = $state<Selection | null>(null);
}

/** The editor's selection, for the assistant. */
export const selection = new SelectionState();
