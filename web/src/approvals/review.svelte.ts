import { ApiProblem } from '../api/problem';
import { apply, compare, rebase, type Choice, type Comparison } from '../diff/hunks';
import { explain } from '../ui/explain';
import { approveText, noteOf, reviewOf, type ReviewedFile } from './answering';
import type { ReviewSubject } from './opening';
import { waiting } from './waiting.svelte';

/** A file under review: what is taken of it, and what its base has become. */
export class Review {
  file = $state.raw<ReviewedFile | null>(null);
  comparison = $state.raw<Comparison | null>(null);
  choices = $state<Choice[]>([]);
  /** Changes that nobody has looked at since the file changed underneath. */
  unseen = $state.raw<ReadonlySet<number>>(new Set());
  /** How many choices were for changes that are gone; none before the file changed. */
  dropped = $state<number | null>(null);
  problem = $state('');
  busy = $state(false);
  applied = $state(false);
  #approvalId = $state('');

  constructor(readonly subject: ReviewSubject) {
    this.#approvalId = subject.approvalId;
  }

  /** The approval that waits for this call now: it may have been asked for again. */
  get approvalId(): string | null {
    const open = waiting.all.filter((one) => one.session_id === this.subject.sessionId);
    const same = open.find((one) => one.approval_id === this.#approvalId);
    return (same ?? open.find((one) => one.call_id === this.subject.callId))?.approval_id ?? null;
  }

  /** How many changes are taken. */
  get chosen(): number {
    return this.choices.filter((choice) => choice.on).length;
  }

  /** Reads both texts; choices made before are carried over to what there is now. */
  async load(): Promise<void> {
    const id = this.approvalId;
    if (id === null) return;
    this.problem = '';
    try {
      this.#show(await reviewOf(id));
      this.#approvalId = id;
    } catch (error) {
      if (!isOver(error)) this.problem = explain(error);
    }
  }

  /** Approves exactly the text that the choices make. */
  async apply(): Promise<void> {
    const id = this.approvalId;
    if (id === null || !this.file || !this.comparison || this.busy) return;
    this.busy = true;
    this.problem = '';
    try {
      await approveText(id, apply(this.comparison, this.choices), this.file.before_hash);
      this.applied = true;
    } catch (error) {
      if (error instanceof ApiProblem && error.code === 'approval_stale') await this.load();
      else if (isOver(error)) waiting.gone(id);
      else this.problem = explain(error);
    } finally {
      this.busy = false;
    }
  }

  #show(file: ReviewedFile): void {
    const next = compare(file.before, file.after);
    const isSame = file.before_hash === this.file?.before_hash && file.after === this.file.after;
    if (this.comparison && !isSame) {
      const carried = rebase(this.comparison, this.choices, next);
      this.choices = carried.choices;
      this.unseen = carried.unseen;
      this.dropped = carried.dropped;
    } else if (!this.comparison) {
      this.choices = next.hunks.map(() => ({ on: true, text: null }));
    }
    this.comparison = next;
    this.file = file;
  }
}

function isOver(error: unknown): boolean {
  return error instanceof ApiProblem && error.code !== 'approval_stale' && noteOf(error.code) !== null;
}
