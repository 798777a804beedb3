/** What a tab of the kind `diff` shows: its `data`. */
export interface Compared {
  path: string;
  before: string;
  after: string;
}
