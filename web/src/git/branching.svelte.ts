import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { repository, type Branch } from './repository.svelte';

export type Purpose = 'switch' | 'delete';

class BranchDialog {
  /** What a branch is chosen for, or nothing: then the dialog is closed. */
  purpose = $state<Purpose | null>(null);
  branches = $state<Branch[]>([]);

  /** Asks for a branch. */
  async open(purpose: Purpose): Promise<void> {
    try {
      this.branches = await repository.branches();
      this.purpose = purpose;
    } catch (error) {
      toasts.show(explain(error), 'bad');
    }
  }

  close(): void {
    this.purpose = null;
  }
}

/** The one dialog in which branches are chosen. */
export const branchDialog = new BranchDialog();
