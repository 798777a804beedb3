import type { Component } from 'svelte';

type Loader<P extends Record<string, unknown>> = () => Promise<{ default: Component<P> }>;

const setUps = import.meta.glob<{ default: Component }>('../admin/NoModel.svelte');

/** The steps by which a model is set up. */
export const modelSetUp: Loader<Record<string, never>> | undefined = Object.values(setUps)[0];
