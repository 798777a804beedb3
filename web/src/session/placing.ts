import type { Board } from './board';
import type { Frame, FrameType } from './frames';

/** What the frames of a type do to a session. */
export type Handlers<Type extends FrameType> = {
  [Name in Type]: (board: Board, frame: Frame<Name>) => void;
};

/** What every entry of the log has in common. */
export function placed(frame: Frame, key: string, taskId = '') {
  return {
    key,
    seq: frame.seq ?? 0,
    turnId: frame.turn_id ?? '',
    at: frame.at ?? '',
    taskId,
  };
}
