import { api, ok } from '../api/client';
import type { components } from '../api/rest';
import { workspace } from '../workbench/workspace.svelte';
import { t } from './messages';

export type Answer = components['schemas']['SearchAnswer'];
export type Symbols = components['schemas']['SymbolPlaces'];
export type Finding = components['schemas']['Finding'];
export type SymbolPlace = components['schemas']['SymbolPlace'];

const KINDS = ['class', 'function', 'method', 'type', 'module', 'constant'] as const;

/** Asks the index for code by a description, or for symbols by a name. */
export function askIndex(mode: 'code' | 'symbol', pattern: string, limit: number, signal: AbortSignal): Promise<Answer> {
  const params = { path: { workspace_id: workspace.id }, query: { mode, pattern, limit } };
  return ok(api.GET('/api/v1/workspaces/{workspace_id}/search', { params, signal }));
}

/** Asks how far the index of a workspace is. */
export function statusOf(workspaceId: string) {
  return ok(api.GET('/api/v1/workspaces/{workspace_id}/index', { params: { path: { workspace_id: workspaceId } } }));
}

export type IndexStatus = Awaited<ReturnType<typeof statusOf>>;

/** Asks the index what a file defines. */
export function outlineOf(path: string, signal: AbortSignal): Promise<Symbols> {
  const params = { path: { workspace_id: workspace.id }, query: { path } };
  return ok(api.GET('/api/v1/workspaces/{workspace_id}/symbols', { params, signal }));
}

/** Names a kind of symbol. */
export function kindOf({ kind }: SymbolPlace): string {
  const known = KINDS.find((each) => each === kind);
  return known ? t(`kind_${known}`) : kind;
}
