import { parentOf } from '../ui/paths';

export type Mark = 'modified' | 'new' | 'conflict';

/** What version control says of files, for whoever shows them. */
export class Marks {
  #files = $state.raw<ReadonlyMap<string, Mark>>(new Map());
  /** Folders that are new as a whole, and those in which something is marked. */
  #folders = $state.raw<ReadonlyMap<string, Mark | 'inside'>>(new Map());

  /** Takes the marks of files; the path of a folder that is new as a whole ends in a slash. */
  set(marks: Iterable<[path: string, mark: Mark]>): void {
    const files = new Map<string, Mark>();
    const folders = new Map<string, Mark | 'inside'>();
    for (const [path, mark] of marks) {
      const isFolder = path.endsWith('/');
      const own = isFolder ? path.slice(0, -1) : path;
      if (isFolder) folders.set(own, mark);
      else files.set(own, mark);
      for (let folder = parentOf(own); folder !== '' && !folders.has(folder); folder = parentOf(folder)) {
        folders.set(folder, 'inside');
      }
    }
    this.#files = files;
    this.#folders = folders;
  }

  /** The mark of a file or a folder, if it has one. */
  of(path: string): Mark | 'inside' | null {
    const own = this.#files.get(path) ?? this.#folders.get(path);
    if (own !== undefined) return own;
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
      const around = this.#folders.get(folder);
      if (around !== undefined) return around === 'inside' ? null : around;
    }
    return null;
  }
}

/** The marks of the open workspace. */
export const marks = new Marks();
