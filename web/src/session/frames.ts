import type { ServerFrame } from '../api/frames';

export type FrameType = ServerFrame['type'];
export type Frame<Type extends FrameType = FrameType> = Extract<ServerFrame, { type: Type }>;

/** What each type of frame carries; fields that have their default value may be left out. */
export type FrameData = { [Type in FrameType]: Frame<Type>['data'] };
