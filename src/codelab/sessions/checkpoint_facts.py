"""The facts of checkpoints; `events` has them for other modules."""

from __future__ import annotations

import msgspec

from codelab.sessions.fact import ROOT_TASK, Fact


class FileVersion(msgspec.Struct, frozen=True):
    """A file's content and kind, by git's names for them."""

    blob: str
    mode: str


class ChangedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one file; none where there was, or is, no file.

    `shared` says that somebody else may have changed it at the same time.
    """

    path: str
    before: FileVersion | None = None
    after: FileVersion | None = None
    shared: bool = False


class CheckpointTaken(Fact, frozen=True, kw_only=True, tag="checkpoint"):
    """The project was kept as it was before a turn's first change, or after a call's changes.

    Args:
        checkpoint_id: Names the snapshot.
        base_id: The snapshot before the call; empty where there is no call.
        agent: Whose call it was.
        tool: What was called.
        call_id: The call; empty before the first change of a turn.
        changes: What the call changed.
        folders: The folders that it made.
        left_out: Files that are not kept, such as those that are too large: the first of them.
    """

    checkpoint_id: str
    base_id: str = ""
    agent: str = ""
    tool: str = ""
    call_id: str = ""
    changes: tuple[ChangedFile, ...] = ()
    folders: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    task_id: str = ROOT_TASK


class CheckpointMissed(Fact, frozen=True, kw_only=True, tag="checkpoint_missed"):
    """A checkpoint could not be taken: what the turn changes cannot be undone, or not all of it."""

    reason: str
    call_id: str = ""
    task_id: str = ROOT_TASK


class LeftAlone(msgspec.Struct, frozen=True, kw_only=True):
    """A file that did not go back, and why."""

    path: str
    reason: str


class CheckpointRestored(Fact, frozen=True, kw_only=True, tag="checkpoint_restored"):
    """A session went back to a checkpoint, or to a message: its files, its conversation, or both.

    Args:
        restoration_id: Names the snapshot of the files before they went back, if any did.
        checkpoint_id: The checkpoint; empty for a message, before which the conversation went.
        through_seq: Whatever stands behind this place in the log is undone.
        conversation: Whether models are not shown any more what was said behind it.
        changes: What became of the files.
        conflicts: The files that were left alone.
        by: The user's name.
    """

    restoration_id: str
    checkpoint_id: str
    through_seq: int
    conversation: bool = False
    changes: tuple[ChangedFile, ...] = ()
    conflicts: tuple[LeftAlone, ...] = ()
    by: str = ""
