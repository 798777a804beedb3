import { api, ok } from '../api/client';
import { indentationOf, parseConfig, type Config } from '../codemirror/indentation';
import { loadLanguage } from '../codemirror/languages';
import { indentationPart, parts } from '../codemirror/setup';
import { readFile } from './files';
import type { OpenDocument } from './open-document.svelte';

/** The file that says how the workspace's files are indented. */
export const CONFIG = '.editorconfig';
const configs = new Map<string, Promise<Config>>();

/** Gives a document its language and its indentation, as soon as they are known. */
export async function configure(document: OpenDocument, workspaceId: string): Promise<void> {
  if (document.phase !== 'ready') return;
  const { path } = document;
  const config = await configOf(workspaceId);
  const indentation = indentationOf(path, document.state.doc.sliceString(0, 100_000), config);
  document.dispatch({ effects: parts.indentation.reconfigure(indentationPart(indentation)) });
  // Without its language a file can still be read and written.
  const support = await loadLanguage(path, document.state.doc.length).catch(() => null);
  if (support) document.dispatch({ effects: parts.language.reconfigure(support) });
}

/** Reads the workspace's .editorconfig anew when it is next needed. */
export function forgetConfig(workspaceId: string): void {
  configs.delete(workspaceId);
}

function configOf(workspaceId: string): Promise<Config> {
  const known = configs.get(workspaceId) ?? readConfig(workspaceId).catch(() => []);
  configs.set(workspaceId, known);
  return known;
}

async function readConfig(workspaceId: string): Promise<Config> {
  const params = { path: { workspace_id: workspaceId } };
  const tree = await ok(api.GET('/api/v1/workspaces/{workspace_id}/tree', { params }));
  if (!tree.entries.some((entry) => entry.path === CONFIG && !entry.is_folder)) return [];
  return parseConfig((await readFile(workspaceId, CONFIG)).content);
}
