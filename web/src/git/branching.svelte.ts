import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { repository, type Branch } from './repository.svelte';

export type Purpose = 'switch' | 'delete';

class BranchDialog {
  /** What a branch is chosen for, or nothing: then the dialog is closed. */
  purpose = $state<Purpose | null>(null);
  branches = $state<Branch[]>([]);

  #of = '';

  /** Asks for a branch; the list comes while a name is typed already. */
  async open(purpose: Purpose): Promise<void> {
    this.purpose = purpose;
    const of = workspace.id;
    if (this.#of !== of) this.branches = [];
    this.#of = of;
    try {
      this.branches = await repository.branches();
    } catch (error) {
      this.close();
      toasts.show(explain(error), 'bad');
    }
  }

  close(): void {
    this.purpose = null;
  }
}

/** The one dialog in which branches are chosen. */
export const branchDialog = new BranchDialog();
