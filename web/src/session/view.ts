/** What a session looks like to those who show it. Every value is immutable: a change makes a new
 * object, so that whoever holds an entry sees by identity whether it is still the same. */

import type { WayBack } from './rewinding';

export type SessionState = 'idle' | 'processing' | 'waiting' | 'executing' | 'error';
export type StopReason = 'end' | 'cancelled' | 'error' | 'max_steps' | 'budget';
export type StepStatus = 'pending' | 'running' | 'done' | 'failed';
export type ApprovalStatus = 'pending' | 'approved' | 'rejected' | 'timeout';
export type Risk = 'low' | 'medium' | 'high' | 'critical';

interface Entry {
  /** Stable over the entry's life, unique in its session. */
  readonly key: string;
  /** Its place in the log; 0 while an answer is being written. */
  readonly seq: number;
  readonly turnId: string;
  /** When it was recorded; empty while it is being written. */
  readonly at: string;
  /** Empty for the turn's own agent, else the delegated task it belongs to. */
  readonly taskId: string;
}

export interface Attachment {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'instructions';
  readonly characters: number;
  readonly truncated: boolean;
  /** Why it is not shown to the model; empty if it is. */
  readonly refused: string;
}

export interface Selection {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
}

export interface UserView extends Entry {
  readonly kind: 'user';
  readonly messageId: string;
  readonly text: string;
  readonly agent: string;
  readonly model: string;
  readonly openFiles: readonly string[];
  readonly selection: Selection | null;
  readonly attached: readonly Attachment[];
  readonly shortened: boolean;
}

/** `writing`: more may come. `cancelled`, `interrupted`: what there was of it when it broke off. */
export type AnswerStatus = 'writing' | 'done' | 'cancelled' | 'interrupted';

export interface AnswerView extends Entry {
  readonly kind: 'answer';
  readonly messageId: string;
  readonly agent: string;
  readonly model: string;
  readonly text: string;
  readonly reasoning: string;
  readonly status: AnswerStatus;
  /** Why the model ended it, such as `stop` or `length`. */
  readonly finishReason: string;
  /** Models that were asked before and failed, as `name: code`. */
  readonly tried: readonly string[];
  /** The opening line of a code fence in which the message before it ended, for a tool call. */
  readonly fence: string;
  readonly shortened: boolean;
}

export interface ApprovalView {
  readonly id: string;
  readonly status: ApprovalStatus;
  /** Who answered: a user's name, `policy`, `deadline` or `cancellation`. */
  readonly by: string;
  readonly feedback: string;
  /** When it times out, as the server wrote it; empty if it does not. */
  readonly expiresAt: string;
  /** The server warned that it will soon time out. */
  readonly expiring: boolean;
}

export interface ResultView {
  readonly ok: boolean;
  readonly output: string;
  /** The tool itself gave only a part. */
  readonly truncated: boolean;
  /** The frame could not hold all of it: the whole is to be had over REST. */
  readonly shortened: boolean;
  readonly durationMs: number;
}

/** `stopped`: its turn ended without a result. */
export type CallStatus = 'waiting' | 'running' | 'ok' | 'failed' | 'rejected' | 'timeout' | 'stopped';

export interface CallView extends Entry {
  readonly kind: 'call';
  readonly callId: string;
  readonly tool: string;
  readonly agent: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly risk: Risk;
  /** What a human needs to judge it: a unified diff, or the exact command and its folder. */
  readonly preview: string;
  /** The sandbox layer it runs under. */
  readonly layer: string;
  /** Why the policy has a human asked. */
  readonly reason: string;
  /** `retry`: it was found started after a crash, and nobody knows its outcome. */
  readonly question: 'run' | 'retry';
  /** Parameters or preview were cut to fit a frame: the whole is to be had over REST. */
  readonly shortened: boolean;
  readonly status: CallStatus;
  readonly approval: ApprovalView | null;
  /** The end of what it has said so far, while it runs. */
  readonly liveOutput: string;
  readonly result: ResultView | null;
  /** The checkpoint taken after its changes; empty if there is none. */
  readonly checkpointId: string;
  readonly changedFiles: readonly string[];
}

export interface AgentView extends Entry {
  readonly kind: 'agent';
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface PlanStep {
  readonly id: string;
  readonly title: string;
  readonly agent: string;
  readonly status: StepStatus;
}

export interface PlanView extends Entry {
  readonly kind: 'plan';
  readonly steps: readonly PlanStep[];
}

export interface AttachedView extends Entry {
  readonly kind: 'attached';
  readonly attached: readonly Attachment[];
}

export interface Lines {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** What was looked up in the project for a message, and is shown to its model. */
export interface FoundView extends Entry {
  readonly kind: 'found';
  readonly pieces: readonly Lines[];
}

export interface RestartedView extends Entry {
  readonly kind: 'restarted';
  readonly agent: string;
  readonly failedModel: string;
  readonly model: string;
  readonly reason: string;
}

export interface CompactedView extends Entry {
  readonly kind: 'compacted';
  readonly hiddenMessages: number;
  readonly agedResults: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly model: string;
  readonly summary: string;
  /** It was undone since. */
  readonly undone: boolean;
}

export interface CheckpointMissedView extends Entry {
  readonly kind: 'checkpoint_missed';
  readonly reason: string;
}

export interface CheckpointRestoredView extends Entry {
  readonly kind: 'checkpoint_restored';
  readonly checkpointId: string;
  readonly restorationId: string;
  /** With `conversation`, models are not shown any more what stands behind this place. */
  readonly throughSeq: number;
  readonly conversation: boolean;
  readonly restoredFiles: number;
  readonly conflictingFiles: number;
  readonly files: readonly string[];
  readonly conflicts: readonly { readonly path: string; readonly reason: string }[];
  readonly by: string;
}

export interface ErrorView extends Entry {
  readonly kind: 'error';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The end of a turn. */
export interface DoneView extends Entry {
  readonly kind: 'done';
  readonly stopReason: StopReason;
  readonly durationMs: number;
  readonly usage: Usage;
}

export type EntryView =
  | UserView
  | AnswerView
  | CallView
  | AgentView
  | PlanView
  | AttachedView
  | FoundView
  | RestartedView
  | CompactedView
  | CheckpointMissedView
  | CheckpointRestoredView
  | ErrorView
  | DoneView;

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Some of it is an estimate. */
  readonly estimated: boolean;
}

export interface ContextMeter {
  readonly usedTokens: number;
  readonly budgetTokens: number;
  readonly parts: Readonly<Record<'system' | 'tools' | 'history' | 'attachments' | 'answer', number>>;
  readonly model: string;
  readonly agent: string;
}

/** Why an answer takes longer; `until` is when the model will be asked, empty if it is now. */
export interface ModelWait {
  readonly agent: string;
  readonly model: string;
  readonly reason: string;
  readonly until: string;
}

/** What holds for the session as a whole. */
export interface SessionStatus {
  readonly state: SessionState;
  /** A turn runs, or waits for a human. */
  readonly busy: boolean;
  readonly turnId: string;
  readonly agent: string;
  readonly model: string;
  readonly usage: Usage;
  readonly turnUsage: Usage;
  readonly context: ContextMeter | null;
  readonly waitingForModel: ModelWait | null;
  /** Calls that wait for a human, the oldest first. */
  readonly waitingCalls: readonly string[];
  /** How the last turn ended; empty while one runs, and before the first. */
  readonly stopReason: StopReason | '';
  /** How many checkpoints were taken or gone back to, so that lists of them know when to look. */
  readonly checkpoints: number;
  /** The times the conversation went back; `inForce` tells what models are still shown. */
  readonly waysBack: readonly WayBack[];
}

/** What changed since the last notification. `entries` names the changed ones by key. */
export interface Changes {
  /** Entries were added, moved or taken away: read the list again. */
  readonly order: boolean;
  readonly entries: ReadonlySet<string>;
  readonly status: boolean;
}
