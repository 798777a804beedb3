import { account } from '../auth/account.svelte';

/** The commands of the account's menu, in their order; those that are not registered are left out. */
export function accountItems(): string[] {
  return ['projects', 'settings', ...(account.isAdmin ? ['admin'] : []), 'palette', 'sign-out'];
}
