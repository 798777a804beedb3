import type { Component } from 'svelte';

import type { CallView } from '../session/view';

type Loader<P extends Record<string, unknown>> = () => Promise<{ default: Component<P> }>;

const cards = import.meta.glob<{ default: Component<{ call: CallView; sessionId: string }> }>(
  '../approvals/ApprovalCard.svelte',
);
const setUps = import.meta.glob<{ default: Component }>('../admin/NoModel.svelte');

/** What asks for a decision on a call. */
export const approvalCard: Loader<{ call: CallView; sessionId: string }> | undefined = Object.values(cards)[0];

/** The steps by which a model is set up. */
export const modelSetUp: Loader<Record<string, never>> | undefined = Object.values(setUps)[0];
