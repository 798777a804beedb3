"""What a session's log says of its checkpoints, and what going back to one means; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from codelab.agents.checkpoints.keeping import recorded, remembered
from codelab.sessions.api import in_force_of
from codelab.sessions.events import (
    AssistantMessageCompleted,
    ChangedFile,
    CheckpointRestored,
    CheckpointTaken,
    Entry,
    LeftAlone,
    UserMessageReceived,
)
from codelab.workspace.api import Conflict, FileChange, FileDiff, Step

Kind = Literal["turn", "call", "restore"]
Action = Literal["write", "create", "delete"]

_NAMED = 20
_BEGINNING = 200
_REASONS = {
    "changed_since": "It was changed since, and not by this session.",
    "changed_between": "Somebody else changed it between two changes of this session.",
    "changed_meanwhile": "Somebody else may have changed it at the same time as this session.",
    "not_a_file": "It is a link or a folder, not a plain file.",
    "not_kept": "What it was is not kept any more.",
    "not_written": "It could not be written.",
}


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a session's log to which its user may go back.

    Args:
        id: Names it.
        seq: Where it stands.
        at: When.
        kind: `turn`: before a turn that changed files; `call`: after a call's changes; `restore`:
            before somebody went back, so that this can be undone as well.
        turn_id: The turn, if it is of one.
        agent: Whose call it was.
        tool: What was called.
        call_id: The call.
        by: Who went back.
        files: The first of the files that were changed there.
        changed_files: How many there were.
        left_out: What is not kept, such as files that are too large.
        available: Whether its files are still kept.
        undone: Whether the session went back to before it.
    """

    id: str
    seq: int
    at: datetime
    kind: Kind
    turn_id: str = ""
    agent: str = ""
    tool: str = ""
    call_id: str = ""
    by: str = ""
    files: tuple[str, ...] = ()
    changed_files: int = 0
    left_out: tuple[str, ...] = ()
    available: bool = False
    undone: bool = False


class RestoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that would go back; the diff of one among many may be missing."""

    path: str
    action: Action
    diff: str = ""
    truncated: bool = False


class ConflictingFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is left alone: `reason` is a stable code, `message` says it in words."""

    path: str
    reason: str
    message: str


class HiddenMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that models would not be shown any more, and how it begins."""

    message_id: str
    role: Literal["user", "assistant"]
    text: str


class CheckpointPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What going back to a checkpoint would do; without files if they are not kept any more."""

    checkpoint: Checkpoint
    files: tuple[RestoredFile, ...] = ()
    conflicts: tuple[ConflictingFile, ...] = ()
    messages: tuple[HiddenMessage, ...] = ()


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What going back has done; `restoration_id` is the checkpoint by which it can be undone."""

    restoration_id: str
    checkpoint_id: str
    files: tuple[str, ...]
    conflicts: tuple[ConflictingFile, ...]
    conversation: bool


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Where to: whatever stands behind this place in the log is undone."""

    through_seq: int


def find(entries: Iterable[Entry], checkpoint_id: str) -> Entry | None:
    """Return the entry of a checkpoint, if there is one."""
    return next((entry for entry in entries if _id_of(entry) == checkpoint_id), None)


def point_of(entry: Entry, beginning: int) -> Point:
    """Return where a checkpoint leads.

    Args:
        entry: The checkpoint.
        beginning: Where its turn begins.
    """
    if _kind_of(entry) == "call":
        through = entry.seq
    else:
        through = (beginning if entry.turn_id else entry.seq) - 1
    return Point(through_seq=through)


def described(entries: Sequence[Entry], known: frozenset[str]) -> list[Checkpoint]:
    """Return the checkpoints of a log.

    Args:
        entries: The log, or at least these.
        known: The snapshots that are kept.
    """
    force = in_force_of(entries), in_force_of(entries, files=True)
    found = []
    for entry in entries:
        fact = entry.fact
        if not isinstance(fact, CheckpointTaken | CheckpointRestored):
            continue
        one = Checkpoint(
            id=_id_of(entry),
            seq=entry.seq,
            at=entry.at,
            kind=_kind_of(entry),
            turn_id=entry.turn_id,
            files=tuple(change.path for change in fact.changes[:_NAMED]),
            changed_files=len(fact.changes),
            available=_id_of(entry) in known,
        )
        # A way back leads elsewhere: what counts of it is what comes behind.
        place = entry.seq + isinstance(fact, CheckpointRestored)
        one = msgspec.structs.replace(one, undone=not all(each.holds(place) for each in force))
        if isinstance(fact, CheckpointTaken):
            details = {name: getattr(fact, name) for name in ("agent", "tool", "call_id")}
            one = msgspec.structs.replace(one, left_out=fact.left_out, **details)
        else:
            # Without files there is nothing that would have to be kept.
            is_kept = one.available or not fact.changes
            one = msgspec.structs.replace(one, by=fact.by, available=is_kept)
        found.append(one)
    return found


def calls_behind(entries: Iterable[Entry], point: Point) -> list[list[FileChange]]:
    """Return what was changed behind a place, in order: by calls, and by ways back."""
    return [
        [remembered(change) for change in fact.changes] for fact in _facts_behind(entries, point)
    ]


def folders_made(entries: Iterable[Entry], point: Point) -> list[str]:
    """Return the folders that calls behind a place have made."""
    facts = _facts_behind(entries, point)
    return [
        folder for fact in facts if isinstance(fact, CheckpointTaken) for folder in fact.folders
    ]


def changes_of(steps: Iterable[Step]) -> tuple[ChangedFile, ...]:
    """Return what steps have changed, as the log has it."""
    return tuple(
        recorded(FileChange(path=step.path, before=step.now, after=step.target), shared=False)
        for step in steps
    )


def files_of(steps: Iterable[Step], diffs: Iterable[FileDiff]) -> tuple[RestoredFile, ...]:
    """Return the files of a preview; beyond the diffs that there are, they are only named."""
    shown = {diff.path: diff for diff in diffs}
    found = []
    for step in steps:
        diff = shown.get(step.path)
        found.append(
            RestoredFile(
                path=step.path,
                action=_action_of(step),
                diff=diff.diff if diff else "",
                truncated=diff.truncated if diff else True,
            )
        )
    return tuple(found)


def conflicts_of(conflicts: Iterable[Conflict]) -> tuple[ConflictingFile, ...]:
    """Return conflicts with their reasons in words."""
    return tuple(
        ConflictingFile(path=one.path, reason=one.reason, message=_REASONS[one.reason])
        for one in conflicts
    )


def recorded_conflicts(conflicts: Iterable[Conflict]) -> tuple[LeftAlone, ...]:
    """Return conflicts as the log has them."""
    return tuple(LeftAlone(path=one.path, reason=one.reason) for one in conflicts)


def messages_of(entries: Iterable[Entry]) -> tuple[HiddenMessage, ...]:
    """Return the messages among entries, each with its beginning."""
    found = []
    for entry in entries:
        match entry.fact:
            case UserMessageReceived(message_id=message_id, text=text):
                role: Literal["user", "assistant"] = "user"
            case AssistantMessageCompleted(message_id=message_id, text=text):
                role = "assistant"
            case _:
                continue
        found.append(HiddenMessage(message_id=message_id, role=role, text=text[:_BEGINNING]))
    return tuple(found)


def _facts_behind(
    entries: Iterable[Entry], point: Point
) -> list[CheckpointTaken | CheckpointRestored]:
    return [
        entry.fact
        for entry in entries
        if entry.seq > point.through_seq
        and isinstance(entry.fact, CheckpointTaken | CheckpointRestored)
    ]


def _kind_of(entry: Entry) -> Kind:
    if isinstance(entry.fact, CheckpointTaken):
        return "call" if entry.fact.call_id else "turn"
    return "restore"


def _id_of(entry: Entry) -> str:
    match entry.fact:
        case CheckpointTaken(checkpoint_id=name) | CheckpointRestored(restoration_id=name):
            return name
        case _:
            return ""


def _action_of(step: Step) -> Action:
    if step.target is None:
        return "delete"
    return "create" if step.now is None else "write"
