import { goesOn, openFence } from '../markdown/fences';
import { type Board, NOTHING_USED } from './board';
import type { Frame, FrameData } from './frames';
import { addition, codePoints } from './offsets';
import { type Handlers, placed } from './placing';
import type { AnswerView, Attachment, Lines, Selection } from './view';

const messageKey = (id: string): string => `message ${id}`;

/** Tells what was attached from what was found without anybody naming it. */
function attachments(data: FrameData['attached']): { list: Attachment[]; pieces: Lines[] } {
  const list: Attachment[] = [];
  const pieces: Lines[] = [];
  for (const { path, kind, first: from = 0, last: to = 0, ...one } of data.attachments) {
    if (kind === 'found') {
      pieces.push({ path, from, to });
    } else {
      const { characters = 0, truncated = false, refused = '' } = one;
      list.push({ path, kind, characters, truncated, refused });
    }
  }
  return { list, pieces };
}

function selection(context: FrameData['message']['context']): Selection | null {
  const selected = context?.selection;
  if (!selected) return null;
  const { path, start_line: startLine = 1, end_line: endLine = 1, text = '' } = selected;
  return { path, startLine, endLine, text };
}

function asked(board: Board, frame: Frame<'message'>): void {
  const { data } = frame;
  const key = messageKey(data.message_id);
  board.questions.set(frame.turn_id ?? '', key);
  board.settle({
    ...placed(frame, key, data.task_id),
    kind: 'user',
    messageId: data.message_id,
    text: data.text,
    agent: data.agent ?? '',
    model: data.model ?? '',
    openFiles: data.context?.open_files ?? [],
    selection: selection(data.context),
    attached: [],
    shortened: data.shortened ?? false,
  });
  board.say({
    busy: true,
    turnId: frame.turn_id ?? '',
    stopReason: '',
    turnUsage: NOTHING_USED,
  });
}

function ended(finishReason: string): AnswerView['status'] {
  return finishReason === 'cancelled' || finishReason === 'interrupted' ? finishReason : 'done';
}

function answerOf(board: Board, frame: Frame<'message'>, key: string): AnswerView {
  const { data } = frame;
  const finishReason = data.finish_reason ?? '';
  return {
    ...placed(frame, key, data.task_id),
    kind: 'answer',
    messageId: data.message_id,
    agent: data.agent ?? '',
    model: data.model ?? '',
    text: data.text,
    reasoning: data.reasoning ?? '',
    status: ended(finishReason),
    finishReason,
    tried: data.tried ?? [],
    fence: board.fences.get(data.task_id ?? '') ?? '',
    shortened: data.shortened ?? false,
  };
}

function answered(board: Board, frame: Frame<'message'>): void {
  const key = messageKey(frame.data.message_id);
  const answer = answerOf(board, frame, key);
  board.drop(key);
  board.finished.add(answer.messageId);
  if (board.status.waitingForModel) board.say({ waitingForModel: null });
  if (!answer.taskId && answer.model) board.say({ model: answer.model });
  // A message of nothing but tool calls is shown by these.
  if (answer.text.trim() || answer.reasoning.trim()) board.settle(answer);
  const text = goesOn(answer.fence, answer.text, true)
    ? `${answer.fence}\n${answer.text}`
    : answer.text;
  board.fences.set(answer.taskId, openFence(text));
}

function begun(board: Board, frame: Frame<'token'>): AnswerView {
  const { data } = frame;
  const taskId = data.task_id ?? '';
  // An agent writes one message at a time: what else it was writing is not going on any more.
  for (const other of board.written()) if (other.taskId === taskId) board.drop(other.key);
  return {
    ...placed(frame, messageKey(data.message_id), taskId),
    kind: 'answer',
    messageId: data.message_id,
    agent: data.agent,
    model: '',
    text: '',
    reasoning: '',
    status: 'writing',
    finishReason: '',
    tried: [],
    fence: board.fences.get(taskId) ?? '',
    shortened: false,
  };
}

// Counting a long text again for each piece of it would take longer than showing it.
const lengths = new WeakMap<AnswerView, Record<'text' | 'reasoning', number>>();

function streamed(board: Board, frame: Frame<'token'>): void {
  const { data } = frame;
  const key = messageKey(data.message_id);
  if (!board.status.busy || board.finished.has(data.message_id)) return;
  const known = board.get(key);
  const answer = known?.kind === 'answer' ? known : begun(board, frame);
  const part = data.reasoning ? 'reasoning' : 'text';
  const have = lengths.get(answer) ?? { text: 0, reasoning: 0 };
  const more = addition(have[part], data.offset, data.text);
  if (more) {
    const longer = { ...answer, [part]: answer[part] + more };
    lengths.set(longer, { ...have, [part]: have[part] + codePoints(more) });
    board.write(longer);
  }
  if (board.status.waitingForModel) board.say({ waitingForModel: null });
}

function attached(board: Board, frame: Frame<'attached'>): void {
  const { data } = frame;
  const { list, pieces } = attachments(data);
  if (pieces.length > 0) {
    board.settle({ ...placed(frame, `found ${frame.seq}`, data.task_id), kind: 'found', pieces });
  }
  if (list.length === 0) return;
  const asking = board.get(messageKey(data.to ?? ''));
  if (asking?.kind === 'user') {
    board.patch('user', asking.key, { attached: [...asking.attached, ...list] });
  } else {
    const place = placed(frame, `attached ${frame.seq}`, data.task_id);
    board.settle({ ...place, kind: 'attached', attached: list });
  }
}

function planned(board: Board, frame: Frame<'plan'>): void {
  const { data } = frame;
  const steps = data.steps.map((step) => ({
    id: step.id,
    title: step.title,
    agent: step.agent ?? '',
    status: step.status ?? 'pending',
  }));
  const key = `plan ${frame.turn_id ?? ''} ${data.task_id ?? ''}`;
  if (board.get(key)) board.patch('plan', key, { steps });
  else board.settle({ ...placed(frame, key, data.task_id), kind: 'plan', steps });
}

export const conversation: Handlers<
  'state' | 'agent' | 'attached' | 'plan' | 'message' | 'token' | 'restarted' | 'waiting_for_model'
> = {
  state(board, { data }) {
    // Which agent works is told by the log too, and there nothing is missed.
    board.say({ state: data.state, agent: board.status.agent || data.agent });
  },
  agent(board, frame) {
    const { from, to, reason, task_id: taskId = '' } = frame.data;
    const place = placed(frame, `agent ${frame.seq}`, taskId);
    board.settle({ ...place, kind: 'agent', from: from ?? '', to, reason });
    if (!taskId) board.say({ agent: to });
  },
  attached,
  plan: planned,
  message(board, frame) {
    if (frame.data.role === 'user') asked(board, frame);
    else answered(board, frame);
  },
  token: streamed,
  restarted(board, frame) {
    const { data } = frame;
    board.drop(messageKey(data.message_id));
    board.settle({
      ...placed(frame, `restarted ${frame.seq}`, data.task_id),
      kind: 'restarted',
      agent: data.agent,
      failedModel: data.failed_model,
      model: data.model,
      reason: data.reason,
    });
    if (board.status.waitingForModel) board.say({ waitingForModel: null });
  },
  waiting_for_model(board, { data }) {
    const { agent, model, reason, until } = data;
    board.say({ waitingForModel: { agent, model, reason, until: until ?? '' } });
  },
};
