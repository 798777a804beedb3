/** Questions of which only the newest counts: asking gives up what was asked before. */
export class Newest {
  #asked = new AbortController();

  /** Gives the signal for a question; it is aborted when another one is asked. */
  ask(): AbortSignal {
    this.#asked.abort();
    this.#asked = new AbortController();
    return this.#asked.signal;
  }
}
