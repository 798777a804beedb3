/**
 * Moves the focus to the next region of the page, or with -1 to the one before.
 *
 * Regions are elements with `data-region`; within one the focus goes where it was last, else to
 * its first control.
 */
export function stepRegion(by: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(isShown);
  if (regions.length === 0) return;
  const here = document.activeElement?.closest<HTMLElement>('[data-region]');
  const index = here ? regions.indexOf(here) : by === 1 ? -1 : 0;
  if (here && document.activeElement instanceof HTMLElement) last.set(here, document.activeElement);
  const next = regions[(index + by + regions.length) % regions.length];
  if (next) focusRegion(next);
}

/** Moves the focus into a region by its name; says whether there is such a region. */
export function goToRegion(name: string): boolean {
  const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
  if (!region || !isShown(region)) return false;
  focusRegion(region);
  return true;
}

const last = new WeakMap<HTMLElement, HTMLElement>();
const FOCUSABLE =
  '[data-first-focus], textarea, input:not([type="hidden"]), select, button:not(:disabled), a[href], [tabindex="0"], [contenteditable="true"]';

function focusRegion(region: HTMLElement): void {
  const before = last.get(region);
  if (before?.isConnected && isShown(before)) {
    before.focus();
    return;
  }
  const marked = region.querySelector<HTMLElement>('[data-first-focus]');
  const first = marked ?? [...region.querySelectorAll<HTMLElement>(FOCUSABLE)].find(isShown);
  if (first) first.focus();
  else region.focus();
}

function isShown(element: HTMLElement): boolean {
  return element.checkVisibility();
}
