import type { Component } from 'svelte';

const setUps = import.meta.glob<{ default: Component }>('../admin/NoModel.svelte');

/** The steps by which a model is set up. */
export const modelSetUp: (() => Promise<{ default: Component }>) | undefined = Object.values(setUps)[0];
