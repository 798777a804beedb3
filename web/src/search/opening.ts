import { layout } from '../workbench/layout.svelte';
import { tabs, type Place } from '../workbench/tabs.svelte';

/** Opens a file at a place; on a phone it comes to the front. */
export function openAt(path: string, place: Place | null, preview: boolean): void {
  tabs.openFile(path, { ...(place ? { place } : {}), preview });
  if (layout.isNarrow) layout.showEditor();
}

/** Goes with the arrows from the search's field through what was found, and back. */
export function walk(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || !(event.target instanceof HTMLElement)) return;
  const stops = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[data-stop]')];
  const here = stops.indexOf(event.target);
  const next = here < 0 ? undefined : stops[here + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}
