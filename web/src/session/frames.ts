/** The frames that a session is made of, as far as its transcript reads them. */
import type {
  Attachment,
  ContextMeter,
  PlanStep,
  Risk,
  Selection,
  SessionState,
  StopReason,
} from './view';

interface UsageData {
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
  estimated?: boolean;
}

/** What each type of frame carries; fields that have their default value are left out. */
export interface FrameData {
  state: { state: SessionState; agent: string };
  agent: { from: string | null; to: string; reason: string; task_id?: string };
  attached: {
    attachments: (Pick<Attachment, 'path' | 'kind'> & Partial<Attachment>)[];
    to?: string;
    task_id?: string;
  };
  plan: { steps: (Pick<PlanStep, 'id' | 'title'> & Partial<PlanStep>)[]; task_id?: string };
  message: {
    message_id: string;
    role: 'user' | 'assistant';
    text: string;
    agent?: string | null;
    model?: string | null;
    context?: { open_files?: string[]; selection?: Selection | null } | null;
    reasoning?: string;
    finish_reason?: string | null;
    tried?: string[];
    task_id?: string;
    shortened?: boolean;
  };
  restarted: {
    message_id: string;
    agent: string;
    failed_model: string;
    model: string;
    reason: string;
    task_id?: string;
  };
  waiting_for_model: {
    agent: string;
    model: string;
    reason: string;
    until?: string | null;
    task_id?: string;
  };
  token: {
    message_id: string;
    agent: string;
    text: string;
    offset: number;
    reasoning?: boolean;
    task_id?: string;
  };
  tool_call: {
    call_id: string;
    tool: string;
    parameters: Record<string, unknown>;
    agent: string;
    risk: Risk;
    requires_approval: boolean;
    approval_id?: string | null;
    expires_at?: string | null;
    preview?: string;
    layer?: string;
    reason?: string;
    question?: 'run' | 'retry';
    task_id?: string;
    shortened?: boolean;
  };
  tool_output: { call_id: string; text: string };
  tool_result: {
    call_id: string;
    ok: boolean;
    output: string;
    truncated: boolean;
    duration_ms: number;
    tool?: string;
    task_id?: string;
    shortened?: boolean;
  };
  approval: {
    approval_id: string;
    status: 'pending' | 'approved' | 'rejected' | 'timeout';
    by: string;
    call_id?: string;
    feedback?: string;
  };
  approval_expiring: { approval_id: string; call_id: string; expires_at: string };
  usage: UsageData & { model: string; agent?: string; task_id?: string };
  context: {
    used_tokens: number;
    budget_tokens: number;
    parts: Partial<ContextMeter['parts']>;
    model: string;
    agent: string;
    task_id?: string;
  };
  compacted: {
    hidden_messages: number;
    aged_results: number;
    tokens_before: number;
    tokens_after: number;
    agent: string;
    model?: string;
    summary?: string;
    task_id?: string;
  };
  restored: { compaction_seq: number; by: string };
  checkpoint: {
    checkpoint_id: string;
    changed_files: number;
    files?: string[];
    left_out?: string[];
    call_id?: string;
    task_id?: string;
  };
  checkpoint_missed: { reason: string; call_id?: string; task_id?: string };
  checkpoint_restored: {
    checkpoint_id: string;
    restoration_id: string;
    through_seq: number;
    conversation: boolean;
    restored_files: number;
    conflicting_files: number;
    by: string;
    files?: string[];
    conflicts?: { path: string; reason: string }[];
  };
  error: { code: string; message: string; retryable: boolean; task_id?: string };
  done: { message_id: string; stop_reason: StopReason; duration_ms: number; usage: UsageData };
  recovered: { ok: boolean; from_seq: number };
}

/** A frame in its envelope; the durable ones carry `seq` and `epoch`. */
export type Frame<Type extends keyof FrameData = keyof FrameData> = {
  [Name in Type]: {
    type: Name;
    session_id?: string | null;
    seq?: number | null;
    epoch?: number | null;
    turn_id?: string | null;
    at?: string | null;
    data: FrameData[Name];
  };
}[Type];

/** What a socket may hand over: a frame of the session, or one that says nothing of it. */
export interface AnyFrame {
  type: string;
  session_id?: string | null;
  seq?: number | null;
  epoch?: number | null;
  data: unknown;
}
