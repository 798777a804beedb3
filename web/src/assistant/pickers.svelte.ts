class Pickers {
  /** Which list is open to choose from. */
  open = $state<'agent' | 'model' | null>(null);
}

/** The lists of agents and of models. */
export const pickers = new Pickers();
