import type { Board } from './board';
import type { Frame } from './frames';
import { type Handlers, placed } from './placing';
import type { ApprovalView, CallStatus, CallView, Risk } from './view';

// What a running tool says is shown as far as it fits; its whole output comes with the result.
const LIVE_CHARACTERS = 20_000;

function call(board: Board, callId: string): CallView | undefined {
  const entry = board.get(board.callKeys.get(callId) ?? '');
  return entry?.kind === 'call' ? entry : undefined;
}

function change(board: Board, known: CallView, changes: Partial<CallView>): void {
  board.patch('call', known.key, changes);
  const { waitingCalls } = board.status;
  const waits = (changes.status ?? known.status) === 'waiting';
  if (waits === waitingCalls.includes(known.key)) return;
  board.say({
    waitingCalls: waits
      ? [...waitingCalls, known.key]
      : waitingCalls.filter((key) => key !== known.key),
  });
}

function approvalOf(data: Frame<'tool_call'>['data']): ApprovalView | null {
  if (!data.approval_id) return null;
  return {
    id: data.approval_id,
    status: data.requires_approval ? 'pending' : 'approved',
    by: '',
    feedback: '',
    expiresAt: data.expires_at ?? '',
    expiring: false,
  };
}

function requested(board: Board, frame: Frame<'tool_call'>): void {
  const { data } = frame;
  const key = `call ${frame.turn_id ?? ''} ${data.call_id}`;
  const view: CallView = {
    ...placed(frame, key, data.task_id),
    kind: 'call',
    callId: data.call_id,
    tool: data.tool,
    agent: data.agent,
    parameters: data.parameters,
    risk: data.risk as Risk,
    preview: data.preview ?? '',
    layer: data.layer ?? '',
    reason: data.reason ?? '',
    question: data.question ?? 'run',
    shortened: data.shortened ?? false,
    status: data.requires_approval ? 'waiting' : 'running',
    approval: approvalOf(data),
    liveOutput: '',
    result: null,
    checkpointId: '',
    changedFiles: [],
  };
  board.callKeys.set(data.call_id, key);
  const known = board.get(key);
  // Asked again, because the question had become stale: it keeps its place.
  if (known?.kind === 'call') change(board, known, { ...view, seq: known.seq, at: known.at });
  else {
    board.settle(view);
    change(board, { ...view, status: 'running' }, { status: view.status });
  }
}

function concluded(known: CallView, ok: boolean): CallStatus {
  if (known.status === 'rejected' || known.status === 'timeout') return known.status;
  return ok ? 'ok' : 'failed';
}

export const calls: Handlers<
  'tool_call' | 'tool_output' | 'tool_result' | 'approval' | 'approval_expiring' | 'checkpoint'
> = {
  tool_call: requested,
  tool_output(board, { data }) {
    const known = call(board, data.call_id);
    if (known?.status !== 'running') return;
    const said = known.liveOutput + data.text;
    board.patch('call', known.key, { liveOutput: said.slice(-LIVE_CHARACTERS) });
  },
  tool_result(board, frame) {
    const { data } = frame;
    const known = call(board, data.call_id);
    if (!known) return;
    change(board, known, {
      status: concluded(known, data.ok),
      liveOutput: '',
      result: {
        ok: data.ok,
        output: data.output,
        truncated: data.truncated,
        shortened: data.shortened ?? false,
        durationMs: data.duration_ms,
      },
    });
  },
  approval(board, { data }) {
    const asked = board.status.waitingCalls
      .map((key) => board.get(key))
      .find((entry) => entry?.kind === 'call' && entry.approval?.id === data.approval_id);
    if (asked?.kind !== 'call' || !asked.approval) return;
    const { status, by, feedback = '' } = data;
    change(board, asked, {
      status: status === 'approved' ? 'running' : status === 'pending' ? 'waiting' : status,
      approval: { ...asked.approval, status, by, feedback, expiring: false },
    });
  },
  approval_expiring(board, { data }) {
    const known = call(board, data.call_id);
    if (known?.approval?.id !== data.approval_id || known.status !== 'waiting') return;
    const approval = { ...known.approval, expiresAt: data.expires_at, expiring: true };
    board.patch('call', known.key, { approval });
  },
  checkpoint(board, { data }) {
    const known = call(board, data.call_id ?? '');
    if (known) {
      const { checkpoint_id: checkpointId, files = [] } = data;
      board.patch('call', known.key, { checkpointId, changedFiles: files });
    }
    board.say({ checkpoints: board.status.checkpoints + 1 });
  },
};

/** Their turn is over: no result will come. */
export function stopCalls(board: Board): void {
  for (const key of board.callKeys.values()) {
    const entry = board.get(key);
    if (entry?.kind !== 'call') continue;
    if (entry.status === 'running' || entry.status === 'waiting') {
      change(board, entry, { status: 'stopped', liveOutput: '' });
    }
  }
}
