import type { Tab } from '../workbench/tabs.svelte';

const MOST = 50;
/** What is on the disk can be shown again; other tabs lived on what they were opened with. */
const KEPT: ReadonlySet<string> = new Set(['file', 'image', 'markdown']);

/** Writes down which files are open. */
export function writtenTabs(all: readonly Tab[], activeId: string | null): string {
  const kept = all.filter((tab) => KEPT.has(tab.kind)).slice(-MOST);
  return JSON.stringify({
    activeId,
    all: kept.map(({ id, kind, title, path, preview }) => ({ id, kind, title, path, preview: preview ?? false })),
  });
}

/** Reads which files were open; what is no such list is nothing. */
export function readTabs(text: string | null): { all: Tab[]; activeId: string | null } {
  try {
    const { all, activeId } = (JSON.parse(text ?? '{}') ?? {}) as { all?: unknown; activeId?: unknown };
    const list = Array.isArray(all) ? all.filter(isTab).slice(0, MOST) : [];
    const active = list.find((tab) => tab.id === activeId);
    return { all: list, activeId: active?.id ?? null };
  } catch {
    return { all: [], activeId: null };
  }
}

function isTab(value: unknown): value is Tab {
  const tab = (value ?? {}) as Partial<Tab>;
  return (
    KEPT.has(tab.kind ?? '') &&
    typeof tab.id === 'string' &&
    typeof tab.title === 'string' &&
    typeof tab.path === 'string'
  );
}
