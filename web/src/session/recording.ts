/** A recorded session for tests: what a server would send of two turns, in its order. */
import type { Frame, FrameData, FrameType } from './frames';

const SESSION = 's1';

export interface Recorder {
  durable: <T extends FrameType>(type: T, data: FrameData[T]) => void;
  passing: <T extends FrameType>(type: T, data: FrameData[T]) => void;
  frames: Frame[];
}

export function recorder(turn: () => string): Recorder {
  const frames: Frame[] = [];
  let seq = 0;
  return {
    frames,
    durable(type, data) {
      seq += 1;
      const at = new Date(Date.UTC(2026, 0, 1, 12, 0, seq)).toISOString();
      const place = { session_id: SESSION, seq, epoch: 1, turn_id: turn(), at };
      frames.push({ type, ...place, data } as Frame);
    },
    passing(type, data) {
      frames.push({ type, session_id: SESSION, data } as Frame);
    },
  };
}

/** Write a message piece by piece, as a server streams it. */
export function stream(
  record: Recorder,
  messageId: string,
  text: string,
  options: { reasoning?: boolean; task?: string; size?: number; upTo?: number } = {},
): void {
  const characters = Array.from(text).slice(0, options.upTo);
  const size = options.size ?? 3;
  for (let offset = 0; offset < characters.length; offset += size) {
    record.passing('token', {
      message_id: messageId,
      agent: options.task ? 'ask' : 'coder',
      text: characters.slice(offset, offset + size).join(''),
      offset,
      reasoning: options.reasoning,
      task_id: options.task,
    });
  }
}

const ANSWER = 'Done 👍🏽: see `main.py:3`.\n\n```python\nprint("héllo 🎉")\n```\n';
const USAGE = { input_tokens: 100, output_tokens: 20, cost_usd: 0.01 };

function firstTurn(record: Recorder): void {
  const { durable, passing } = record;
  durable('message', {
    message_id: 'u1',
    role: 'user',
    text: 'Make @main.py print',
    context: { open_files: ['main.py'] },
  });
  passing('state', { state: 'processing', agent: 'orchestrator' });
  durable('agent', { from: null, to: 'orchestrator', reason: 'Several steps.' });
  durable('attached', { attachments: [{ path: 'main.py', kind: 'file' }], to: 'u1' });
  durable('attached', {
    attachments: [
      { path: 'src/print.py', kind: 'found', first: 3, last: 9 },
      { path: 'src/print.py', kind: 'found', first: 20, last: 20 },
      { path: 'a\u202eb.py', kind: 'found', first: 1, last: 4 },
    ],
    to: 'u1',
  });
  durable('plan', { steps: [{ id: '1', title: 'Look' }, { id: '2', title: 'Write' }] });
  stream(record, 'a1', 'Thinking of 🤔 it', { reasoning: true });
  stream(record, 'a1', 'I first look at the file. This will be cut', { upTo: 30 });
  durable('restarted', {
    message_id: 'a1',
    agent: 'coder',
    failed_model: 'first',
    model: 'second',
    reason: 'The connection broke.',
  });
  passing('waiting_for_model', { agent: 'coder', model: 'second', reason: 'Busy.' });
  stream(record, 'a1', 'Another beginning 🚀 of it');
  durable('message', {
    message_id: 'a1',
    role: 'assistant',
    text: 'Another beginning 🚀 of it',
    agent: 'coder',
    model: 'second',
    finish_reason: 'tool_calls',
    tried: ['first: unreachable'],
  });
  durable('usage', { ...USAGE, model: 'second' });
  durable('tool_call', {
    call_id: 'c1',
    tool: 'write_file',
    parameters: { path: 'main.py' },
    agent: 'coder',
    risk: 'medium',
    requires_approval: true,
    approval_id: 'p1',
    expires_at: '2026-01-01T12:05:00Z',
  });
  passing('state', { state: 'waiting', agent: 'coder' });
  passing('approval_expiring', {
    approval_id: 'p1',
    call_id: 'c1',
    expires_at: '2026-01-01T12:05:00Z',
  });
  durable('approval', { approval_id: 'p1', status: 'approved', by: 'ann', call_id: 'c1' });
  passing('tool_output', { call_id: 'c1', text: 'writing…' });
  durable('tool_result', {
    call_id: 'c1',
    ok: true,
    output: 'Written.',
    truncated: false,
    duration_ms: 12,
  });
  durable('checkpoint', {
    checkpoint_id: 'k1',
    changed_files: 1,
    files: ['main.py'],
    call_id: 'c1',
  });
}

function delegation(record: Recorder): void {
  const { durable } = record;
  durable('plan', {
    steps: [
      { id: '1', title: 'Look', status: 'done' },
      { id: '2', title: 'Write', status: 'running' },
    ],
  });
  durable('agent', { from: 'coder', to: 'ask', reason: 'A question.', task_id: 't1' });
  stream(record, 'd1', 'An aside', { task: 't1', upTo: 4 });
  stream(record, 'a2', ANSWER, { upTo: 10 });
  durable('usage', { ...USAGE, model: 'second', task_id: 't1', estimated: true });
  durable('message', {
    message_id: 'd1',
    role: 'assistant',
    text: 'An aside',
    agent: 'ask',
    task_id: 't1',
  });
  stream({ ...record, passing: skip(record, 10) }, 'a2', ANSWER, { size: 5 });
  durable('message', {
    message_id: 'a2',
    role: 'assistant',
    text: ANSWER,
    agent: 'coder',
    model: 'second',
    finish_reason: 'stop',
  });
}

function skip(record: Recorder, before: number): Recorder['passing'] {
  return (type, data) => {
    if ((data as FrameData['token']).offset >= before) record.passing(type, data);
  };
}

/** Two turns: one with everything in it, and one that is stopped and gone back from. */
export function recordedSession(): Frame[] {
  let turn = 't-one';
  const record = recorder(() => turn);
  const { durable } = record;
  firstTurn(record);
  delegation(record);
  const usage = { input_tokens: 200, output_tokens: 40, cost_usd: 0.02 };
  durable('done', { message_id: 'a2', stop_reason: 'end', duration_ms: 900, usage });
  turn = 't-two';
  durable('message', { message_id: 'u2', role: 'user', text: 'Now run it' });
  durable('compacted', {
    hidden_messages: 2,
    aged_results: 1,
    tokens_before: 900,
    tokens_after: 300,
    agent: 'coder',
  });
  durable('restored', { compaction_seq: 18, by: 'ann' });
  durable('checkpoint_missed', { reason: 'The disk is full.' });
  stream(record, 'a3', 'Running it now');
  durable('message', {
    message_id: 'a3',
    role: 'assistant',
    text: 'Running',
    agent: 'coder',
    finish_reason: 'cancelled',
  });
  durable('tool_call', {
    call_id: 'c2',
    tool: 'execute_command',
    parameters: { command: 'python main.py' },
    agent: 'coder',
    risk: 'high',
    requires_approval: false,
  });
  durable('error', { code: 'budget', message: 'No money left.', retryable: false });
  const none = { input_tokens: 0, output_tokens: 0, cost_usd: 0 };
  durable('done', { message_id: 'a3', stop_reason: 'error', duration_ms: 10, usage: none });
  durable('checkpoint_restored', {
    checkpoint_id: 'k1',
    restoration_id: 'k2',
    through_seq: 17,
    conversation: true,
    restored_files: 1,
    conflicting_files: 0,
    by: 'ann',
  });
  return record.frames;
}
