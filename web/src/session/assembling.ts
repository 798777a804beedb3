import { accounts, ends } from './accounts';
import type { Board } from './board';
import { calls } from './calls';
import { conversation } from './conversation';
import type { Frame, FrameType } from './frames';
import type { Handlers } from './placing';

const handlers: Partial<Handlers<FrameType>> = {
  ...conversation,
  ...calls,
  ...accounts,
  ...ends,
};

/** Take one frame into account; frames of types that say nothing of a session do nothing. */
export function assemble<Type extends FrameType>(board: Board, frame: Frame<Type>): void {
  const type: Type = frame.type;
  const handler = handlers[type] as ((board: Board, frame: Frame<Type>) => void) | undefined;
  handler?.(board, frame);
}
