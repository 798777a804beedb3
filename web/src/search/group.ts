import type { components } from '../api/rest';

export type FileMatches = components['schemas']['FileOccurrences'];
export type Match = components['schemas']['Occurrence'];
export type Chosen = components['schemas']['Chosen'];
export type Choice = 'all' | 'some' | 'none';

/** A line of the results. */
export type Line =
  | { kind: 'file'; id: string; file: FileMatches; isOpen: boolean; choice: Choice }
  | { kind: 'match'; id: string; file: FileMatches; match: Match; isChosen: boolean };

/** The matched stretch of a line, and what stands around it. */
export interface Cut {
  before: string;
  match: string;
  after: string;
}

const BEFORE = 24;

/** Names one match among all. */
export function idOf(path: string, offset: number): string {
  return `${offset}:${path}`;
}

/** Lays results out as lines, file by file. */
export function linesOf(
  files: readonly FileMatches[],
  closed: ReadonlySet<string>,
  left: ReadonlySet<string>,
): Line[] {
  return files.flatMap((file): Line[] => {
    const isOpen = !closed.has(file.path);
    const head: Line = { kind: 'file', id: file.path, file, isOpen, choice: choiceOf(file, left) };
    if (!isOpen) return [head];
    const matches = file.occurrences.map((match): Line => {
      const id = idOf(file.path, match.offset);
      return { kind: 'match', id, file, match, isChosen: canReplace(file) && !left.has(id) };
    });
    return [head, ...matches];
  });
}

/** Whether anything in the file can be replaced. */
export function canReplace(file: FileMatches): boolean {
  return file.hash !== '';
}

/** How much of a file is to be replaced; `left` names what is not. */
export function choiceOf(file: FileMatches, left: ReadonlySet<string>): Choice {
  if (!canReplace(file)) return 'none';
  const count = file.occurrences.filter((match) => !left.has(idOf(file.path, match.offset))).length;
  if (count === 0) return 'none';
  return count === file.occurrences.length ? 'all' : 'some';
}

/** What the server is to replace: whole files, or the matches that were chosen in them. */
export function chosenOf(files: readonly FileMatches[], left: ReadonlySet<string>): Chosen[] {
  return files.flatMap((file) => {
    const choice = choiceOf(file, left);
    if (choice === 'none') return [];
    const whole = { path: file.path, hash: file.hash };
    if (choice === 'all') return [whole];
    const kept = file.occurrences.filter((match) => !left.has(idOf(file.path, match.offset)));
    return [{ ...whole, offsets: kept.map((match) => match.offset) }];
  });
}

/** How many matches would be replaced. */
export function countChosen(files: readonly FileMatches[], left: ReadonlySet<string>): number {
  return files.reduce((sum, file) => {
    if (choiceOf(file, left) === 'all') return sum + file.count;
    const kept = canReplace(file) ? file.occurrences.filter((match) => !left.has(idOf(file.path, match.offset))) : [];
    return sum + kept.length;
  }, 0);
}

/** Cuts a match's line so that the match is seen in a narrow panel. */
export function cutOf(match: Match): Cut {
  const whole = match.text.slice(0, match.start);
  const trimmed = whole.trimStart();
  const before = trimmed.length > BEFORE ? `…${trimmed.slice(-BEFORE)}` : trimmed;
  return { before, match: match.text.slice(match.start, match.end), after: match.text.slice(match.end) };
}

/** Reads globs that are divided by commas; commas in braces divide nothing. */
export function globsOf(text: string): string[] {
  return text
    .split(/,(?![^{]*\})/)
    .map((glob) => glob.trim())
    .filter((glob) => glob !== '');
}
