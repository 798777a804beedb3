import { NOTHING_USED } from './board';
import { stopCalls } from './calls';
import type { FrameData } from './frames';
import { type Handlers, placed } from './placing';
import type { Usage } from './view';

function plus(sum: Usage, data: FrameData['usage'] | FrameData['done']['usage']): Usage {
  return {
    inputTokens: sum.inputTokens + (data.input_tokens ?? 0),
    outputTokens: sum.outputTokens + (data.output_tokens ?? 0),
    costUsd: sum.costUsd + (data.cost_usd ?? 0),
    estimated: sum.estimated || (data.estimated ?? false),
  };
}

export const accounts: Handlers<
  'usage' | 'context' | 'compacted' | 'restored' | 'checkpoint_missed' | 'checkpoint_restored'
> = {
  usage(board, { data }) {
    const { usage, turnUsage } = board.status;
    board.say({ usage: plus(usage, data), turnUsage: plus(turnUsage, data) });
  },
  context(board, { data }) {
    if (data.task_id) return;
    const none = { system: 0, tools: 0, history: 0, attachments: 0, answer: 0 };
    board.say({
      context: {
        usedTokens: data.used_tokens,
        budgetTokens: data.budget_tokens,
        parts: { ...none, ...data.parts },
        model: data.model,
        agent: data.agent,
      },
    });
  },
  compacted(board, frame) {
    const { data } = frame;
    board.settle({
      ...placed(frame, `compacted ${frame.seq}`, data.task_id),
      kind: 'compacted',
      hiddenMessages: data.hidden_messages,
      agedResults: data.aged_results,
      tokensBefore: data.tokens_before,
      tokensAfter: data.tokens_after,
      model: data.model ?? '',
      summary: data.summary ?? '',
      undone: false,
    });
  },
  restored(board, { data }) {
    for (const entry of board.all()) {
      if (entry.kind === 'compacted' && entry.seq >= data.compaction_seq) {
        board.patch('compacted', entry.key, { undone: true });
      }
    }
  },
  checkpoint_missed(board, frame) {
    const { reason, task_id: taskId } = frame.data;
    const place = placed(frame, `missed ${frame.seq}`, taskId);
    board.settle({ ...place, kind: 'checkpoint_missed', reason });
  },
  checkpoint_restored(board, frame) {
    const { data } = frame;
    const place = placed(frame, `went back ${frame.seq}`);
    board.settle({
      ...place,
      kind: 'checkpoint_restored',
      checkpointId: data.checkpoint_id,
      restorationId: data.restoration_id,
      throughSeq: data.through_seq,
      conversation: data.conversation,
      restoredFiles: data.restored_files,
      conflictingFiles: data.conflicting_files,
      files: data.files ?? [],
      conflicts: data.conflicts ?? [],
      by: data.by,
    });
    const { checkpoints, waysBack } = board.status;
    const way = { seq: place.seq, throughSeq: data.through_seq };
    board.say({
      checkpoints: checkpoints + 1,
      waysBack: data.conversation ? [...waysBack, way] : waysBack,
    });
  },
};

export const ends: Handlers<'error' | 'done'> = {
  error(board, frame) {
    // Without a place in the log it is the answer to a frame, and for whoever sent that.
    if (!frame.seq) return;
    const { code, message, retryable, task_id: taskId } = frame.data;
    const place = placed(frame, `error ${frame.seq}`, taskId);
    board.settle({ ...place, kind: 'error', code, message, retryable });
  },
  done(board, frame) {
    const { data } = frame;
    for (const entry of board.written()) board.drop(entry.key);
    stopCalls(board);
    board.callKeys.clear();
    board.finished.clear();
    board.fences.clear();
    board.settle({
      ...placed(frame, `done ${frame.seq}`),
      kind: 'done',
      stopReason: data.stop_reason,
      durationMs: data.duration_ms,
      usage: plus(NOTHING_USED, data.usage),
    });
    board.say({
      busy: false,
      state: 'idle',
      stopReason: data.stop_reason,
      waitingForModel: null,
    });
  },
};
