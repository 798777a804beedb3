import { goToRegion } from '../ui/regions';
import { layout } from './layout.svelte';
import { selection } from './selection.svelte';

/** Goes to the assistant; what is selected in the editor becomes what the next message is about. */
export function askAbout(): void {
  selection.asked = selection.current ?? selection.asked;
  layout.showAssistant(true);
  requestAnimationFrame(() => goToRegion('assistant'));
}

/** Goes to the assistant, with what is selected if that is where somebody comes from. */
export function goToAssistant(): void {
  const isInEditor = document.activeElement?.closest('[data-region="editor"]') ?? null;
  if (isInEditor === null) {
    layout.showAssistant(true);
    requestAnimationFrame(() => goToRegion('assistant'));
  } else {
    askAbout();
  }
}
