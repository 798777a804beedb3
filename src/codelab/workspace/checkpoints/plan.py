"""Which files a way back may touch: those that are as the agent left them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

Reason = Literal[
    "changed_since",
    "changed_between",
    "changed_meanwhile",
    "not_a_file",
    "not_kept",
    "not_written",
]


class FileState(msgspec.Struct, frozen=True):
    """A file as a snapshot holds it.

    Args:
        blob: git's name of its content.
        mode: git's mode, such as 100644.
    """

    blob: str
    mode: str


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one tool call did to one file; none where there was, or is, no file.

    `shared` says that somebody else may have done it, who worked here at the same time.
    """

    path: str
    before: FileState | None
    after: FileState | None
    shared: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes back to what it was: with a content again, or away."""

    path: str
    now: FileState | None
    target: FileState | None


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is left alone, and why."""

    path: str
    reason: Reason


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """The way back."""

    steps: tuple[Step, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class _Trail:
    """What the agent did to one file, from the first change to the last."""

    def __init__(self, change: FileChange) -> None:
        self.first, self.last = change.before, change.after
        self.was_changed_between = False
        self.is_shared = change.shared

    def follow(self, change: FileChange) -> None:
        # Somebody else's edit between two of the agent's would be lost on the way back.
        self.was_changed_between |= change.before != self.last
        self.last = change.after
        self.is_shared |= change.shared


def paths_of(calls: Iterable[Iterable[FileChange]]) -> list[str]:
    """List the files that calls have touched, each once."""
    return sorted({change.path for changes in calls for change in changes})


def plan(calls: Sequence[Sequence[FileChange]], now: Mapping[str, FileState | None]) -> Restoration:
    """Plan the way back to before the first of the calls.

    Args:
        calls: What each call changed, in the order in which they ran.
        now: What is there now, for each of `paths_of(calls)`.
    """
    trails: dict[str, _Trail] = {}
    for changes in calls:
        for change in changes:
            if trail := trails.get(change.path):
                trail.follow(change)
            else:
                trails[change.path] = _Trail(change)
    steps: list[Step] = []
    conflicts: list[Conflict] = []
    for path in sorted(trails):
        trail, state = trails[path], now.get(path)
        if state == trail.first:
            continue
        if state != trail.last:
            conflicts.append(Conflict(path=path, reason="changed_since"))
        elif trail.was_changed_between:
            conflicts.append(Conflict(path=path, reason="changed_between"))
        elif trail.is_shared:
            conflicts.append(Conflict(path=path, reason="changed_meanwhile"))
        elif not all(_is_file(one) for one in (state, trail.first)):
            conflicts.append(Conflict(path=path, reason="not_a_file"))
        else:
            steps.append(Step(path=path, now=state, target=trail.first))
    return Restoration(steps=tuple(steps), conflicts=tuple(conflicts))


def _is_file(state: FileState | None) -> bool:
    return state is None or state.mode.startswith("100")
