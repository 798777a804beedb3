"""Going back to a checkpoint: which one is meant, what it would do, and doing it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

from codelab.cli.chat.approvals import Action, action_for
from codelab.cli.chat.identity import Identity
from codelab.cli.chat.lookups import Record, listed
from codelab.kit.errors import CodeLabError

_SHORT = 8
_SHOWN = 30
_FILES = 3
_PARTS = ("files", "conversation")
_ACTIONS = {"write": "changes back", "create": "comes back", "delete": "is removed"}


class NoCheckpoint(CodeLabError):
    """It is not clear which checkpoint is meant, or there is none to which one could go back."""

    code = "no_checkpoint"
    title = "Which checkpoint?"


def chosen(argument: str) -> tuple[str, dict[str, bool]]:
    """Read `[ID] [files|conversation]`; without a part, both go back."""
    words = argument.split()
    parts = [word for word in words if word in _PARTS]
    ids = [word for word in words if word not in _PARTS]
    return "".join(ids[:1]), {part: not parts or part in parts for part in _PARTS}


def meant(found: Sequence[Record], wanted: str) -> Record:
    """Find the checkpoint: the one named, by the end of its id, or before the last turn.

    Raises:
        NoCheckpoint: There is none, or it is not the only one.
    """
    if wanted:
        fitting = [one for one in found if str(one["id"]).endswith(wanted)]
    else:
        fitting = [one for one in found if one["kind"] == "turn" and not one["undone"]][-1:]
    if len(fitting) != 1:
        raise NoCheckpoint(
            "There is nothing to undo here: no turn of this session has changed files."
            if not wanted
            else "There is no such checkpoint. /checkpoints lists them."
        )
    return fitting[0]


def lines_of(found: Sequence[Record]) -> list[str]:
    """Describe the latest checkpoints, a line each."""
    if not found:
        return ["No turn of this session has changed files, so there is nothing to undo."]
    return [_line(one) for one in found[-_SHOWN:]]


def possible(preview: Record, parts: dict[str, bool]) -> dict[str, bool]:
    """Return the parts without the files, if those are not kept any more.

    Raises:
        NoCheckpoint: Then nothing is left.
    """
    going = {**parts, "files": parts["files"] and preview["checkpoint"]["available"]}
    if not any(going.values()):
        raise NoCheckpoint(
            "The files of this checkpoint are not kept any more. "
            "/undo ID conversation takes the conversation back."
        )
    return going


def shown(preview: Record, parts: dict[str, bool]) -> Iterator[str]:
    """Say what going back would do, diffs included."""
    if parts["files"]:
        if not preview["checkpoint"]["available"]:
            yield "Its files are not kept any more; the conversation alone can go back."
        for file in preview["files"]:
            yield f"{file['path']} {_ACTIONS[file['action']]}"
            yield from str(file["diff"]).splitlines()
            if file["truncated"]:
                yield "… more of it is not shown"
        for conflict in preview["conflicts"]:
            yield f"{conflict['path']} stays as it is. {conflict['message']}"
        left_out = preview["checkpoint"]["left_out"]
        if left_out:
            yield f"Not kept, so not undone: {', '.join(left_out)}"
    messages = preview["messages"]
    if parts["conversation"] and messages:
        yield f"Models are not shown {len(messages)} messages any more:"
        yield from (f"  {one['role']}: {_beginning(one['text'])}" for one in messages)


async def checkpoints(identity: Identity, session_id: str) -> list[Record]:
    """Return the session's checkpoints, oldest first."""
    return listed(await identity.call("GET", f"sessions/{session_id}/checkpoints"))


async def preview(identity: Identity, session_id: str, checkpoint_id: str) -> Record:
    """Return what going back would do."""
    record: Record = await identity.call(
        "GET", f"sessions/{session_id}/checkpoints/{checkpoint_id}"
    )
    return record


async def go_back(
    identity: Identity,
    session_id: str,
    argument: str,
    show: Callable[[Iterable[str]], None],
    ask: Callable[[str], Awaitable[str]],
) -> str:
    """Show what `/undo` would do, ask, and do it; return what there is to say."""
    wanted, parts = chosen(argument)
    checkpoint = meant(await checkpoints(identity, session_id), wanted)
    record = await preview(identity, session_id, checkpoint["id"])
    going = possible(record, parts)
    show(shown(record, parts))
    if action_for((await ask("Go back? [y/N] ")).strip()) is not Action.APPROVE:
        return "Nothing was changed."
    return await restore(identity, session_id, checkpoint["id"], going)


async def restore(
    identity: Identity, session_id: str, checkpoint_id: str, parts: dict[str, bool]
) -> str:
    """Go back; return what there is to say."""
    path = f"sessions/{session_id}/checkpoints/{checkpoint_id}/restore"
    done: dict[str, Any] = await identity.call("POST", path, parts)
    told = [f"{len(done['files'])} files are as they were."] if parts["files"] else []
    if done["conflicts"]:
        told.append(f"{len(done['conflicts'])} were left alone.")
    if done["conversation"]:
        told.append("Models are not shown what was said since.")
    again = str(done["restoration_id"])[-_SHORT:]
    if not done["files"] and not done["conversation"]:
        return " ".join(told)
    return f"{' '.join(told)} /undo {again} undoes this."


def _line(one: Record) -> str:
    what = {
        "turn": "before a turn",
        "call": f"after {one['agent']}'s {one['tool']}",
        "restore": f"before {one['by']} went back",
    }[one["kind"]]
    names = ", ".join(one["files"][:_FILES])
    more = one["changed_files"] - _FILES
    changed = f": {names}" + (f" and {more} more" if more > 0 else "") if names else ""
    marks = ["undone"] if one["undone"] else []
    marks += [] if one["available"] else ["files not kept any more"]
    state = f" ({', '.join(marks)})" if marks else ""
    return f"{str(one['id'])[-_SHORT:]}  {str(one['at'])[:16]}  {what}{changed}{state}"


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:60]}…"
