import type { Newline } from '../codemirror/newlines';

/** What the status bar says about the file in front. */
export interface EditorStatus {
  line: number;
  column: number;
  selected: number;
  cursors: number;
  language: string | null;
  /** How many spaces one level has; none for tabs. */
  spaces: number | null;
  encoding: string;
  newline: Newline;
  isReadOnly: boolean;
  isLarge: boolean;
}

class Current {
  status = $state.raw<EditorStatus | null>(null);
}

/** The file in front, for the status bar; it knows nothing of the editor itself. */
export const inFront = new Current();
