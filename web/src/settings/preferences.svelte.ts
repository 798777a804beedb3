import { api, ok } from '../api/client';
import type { components } from '../api/rest';
import { cardKeys, notifications } from '../approvals/choices.svelte';
import { storage } from '../browser/storage';
import { language } from '../i18n';
import { commands } from '../keys/commands.svelte';
import { theme } from '../theme/theme.svelte';

type Preferences = components['schemas']['Preferences'];

/** Whose choices were made here and have not reached the server yet. */
const UNSENT = 'codelab.unsent';
const PAUSE_MS = 400;

function chosen(): Preferences {
  return {
    theme: theme.choice,
    language: language.current,
    keys: { ...commands.chosen },
    answer_keys: cardKeys.on,
    notifications: notifications.on,
  };
}

function apply(kept: Preferences): void {
  // Nothing was ever kept: what this browser has stays.
  if (!kept.theme) return;
  theme.choice = kept.theme;
  language.current = kept.language ?? language.current;
  cardKeys.on = kept.answer_keys ?? cardKeys.on;
  notifications.on = kept.notifications ?? notifications.on;
  const keys = kept.keys ?? {};
  for (const id of Object.keys(commands.chosen)) if (!(id in keys)) commands.rebind(id, null);
  for (const [id, bound] of Object.entries(keys)) commands.rebind(id, bound);
}

/**
 * Takes on what the signed-in user has chosen elsewhere, and keeps on the server what changes here.
 *
 * Without the server this browser goes on with its own copy, and sends it when it is next opened.
 *
 * @returns What ends it, for when the user leaves.
 */
export function followPreferences(userId: string): () => void {
  let known = $state<string | null>(null);
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    if (storage.getItem(UNSENT) === userId) {
      known = '';
      return;
    }
    const kept = await ok(api.GET('/api/v1/users/me/preferences')).catch(() => null);
    if (isOver || kept === null) return;
    apply(kept);
    known = JSON.stringify(chosen());
  }

  async function keep(wanted: string): Promise<void> {
    const body = JSON.parse(wanted) as Preferences;
    const answer = await ok(api.PUT('/api/v1/users/me/preferences', { body })).catch(() => null);
    if (answer === null || isOver) return;
    known = wanted;
    if (wanted === JSON.stringify(chosen())) storage.removeItem(UNSENT);
  }

  const end = $effect.root(() => {
    $effect(() => {
      const wanted = JSON.stringify(chosen());
      if (known === null || wanted === known) return undefined;
      storage.setItem(UNSENT, userId);
      timer = setTimeout(() => void keep(wanted), PAUSE_MS);
      return () => clearTimeout(timer);
    });
  });
  void load();
  return () => {
    isOver = true;
    clearTimeout(timer);
    end();
  };
}
