import { api, ok } from '../api/client';
import type { components } from '../api/rest';
import { explain } from '../ui/explain';
import { toasts } from '../ui/toasts.svelte';
import { reveal } from '../ui/visible';
import { layout } from '../workbench/layout.svelte';
import { tabs } from '../workbench/tabs.svelte';
import { workspace } from '../workbench/workspace.svelte';
import { split } from './changes';
import { t } from './messages';

type Comparison = components['schemas']['FileComparison'];
type Side = NonNullable<Comparison['before']>;

/** What a tab of the kind `stage` needs. */
export interface Part {
  path: string;
  before: string;
  /** The hash of what is staged. */
  hash: string;
  after: string;
}

const REASONS = { binary: 'binary', too_large: 'tooLarge', not_a_file: 'notAFile' } as const;

/** Says why two sides cannot be compared, or that they can. */
export function hindrance({ before, after }: Comparison): (typeof REASONS)[keyof typeof REASONS] | null {
  const hidden = [before, after].map((side) => side?.hidden ?? '').find((reason) => reason !== '');
  return hidden === undefined ? null : (REASONS[hidden as keyof typeof REASONS] ?? 'notAFile');
}

/** Opens what is not committed of a file, beside what was there before. */
export async function openChange(path: string, staged: boolean): Promise<void> {
  const query = { path, staged };
  const params = { path: { workspace_id: workspace.id }, query };
  await opened(`diff:${staged ? 'staged' : 'open'}:${path}`, path, () =>
    ok(api.GET('/api/v1/workspaces/{workspace_id}/git/diff', { params })),
  );
}

/** Opens what a commit did to a file. */
export async function openCommitted(commit: string, path: string): Promise<void> {
  const params = { path: { workspace_id: workspace.id, commit_id: commit }, query: { path } };
  await opened(`diff:${commit}:${path}`, path, () =>
    ok(api.GET('/api/v1/workspaces/{workspace_id}/git/commits/{commit_id}/diff', { params })),
  );
}

/** Opens a file so that a part of its changes can be staged. */
export async function openPart(path: string): Promise<void> {
  const params = { path: { workspace_id: workspace.id }, query: { path, staged: false } };
  const found = await fetched(path, () => ok(api.GET('/api/v1/workspaces/{workspace_id}/git/diff', { params })));
  if (!found) return;
  const data: Part = { path, before: textOf(found.before), hash: found.before?.hash ?? '', after: textOf(found.after) };
  show(`stage:${path}`, 'stage', path, data);
}

async function opened(id: string, path: string, fetch: () => Promise<Comparison>): Promise<void> {
  const found = await fetched(path, fetch);
  if (found) show(id, 'diff', path, { path, before: textOf(found.before), after: textOf(found.after) });
}

async function fetched(path: string, fetch: () => Promise<Comparison>): Promise<Comparison | null> {
  try {
    const found = await fetch();
    const why = hindrance(found);
    if (why === null) return found;
    toasts.show(t(why, { path: reveal(path) }));
  } catch (error) {
    toasts.show(explain(error), 'bad');
  }
  return null;
}

function show(id: string, kind: 'diff' | 'stage', path: string, data: object): void {
  const title = `± ${split(path).name}`;
  tabs.open({ id, kind, title, path, preview: true, data: { ...data } });
  layout.showEditor();
}

function textOf(side: Side | null | undefined): string {
  return side?.text ?? '';
}
