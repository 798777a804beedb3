"""What the client asks the server for: workspaces, sessions, the whole of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codelab.cli.chat.identity import Identity
from codelab.cli.chat.server import ServerRefused
from codelab.cli.chat.transcript import Call
from codelab.kit.errors import CodeLabError

Record = dict[str, Any]


class NoWorkspace(CodeLabError):
    """It is not clear which project folder is meant."""

    code = "no_workspace"
    title = "Which workspace?"


def choose_workspace(found: Sequence[Record], folder: Path, wanted: str | None) -> Record | None:
    """Choose a workspace, or none if a folder was named that is not open at the server yet.

    Args:
        found: The workspaces that the server offers.
        folder: The current folder.
        wanted: An id, a name or a folder, if the human named one.

    Raises:
        NoWorkspace: There is none, or several, and none of them is the current folder.
    """
    if wanted is not None:
        path = str((folder / wanted).resolve())
        return next(
            (
                each
                for each in found
                if wanted in (each["id"], each["name"]) or each.get("path") == path
            ),
            None,
        )
    if len(found) == 1:
        return found[0]
    around = [each for each in found if each.get("path") and folder.is_relative_to(each["path"])]
    if around:
        return max(around, key=lambda each: len(each["path"]))
    if not found:
        raise NoWorkspace(
            "The server has no project folder open: restart it with `codelab serve "
            "--workspace DIR`, or name one with `codelab chat --workspace DIR`."
        )
    names = ", ".join(sorted(each["name"] for each in found))
    raise NoWorkspace(f"Several project folders are open: name the one that is meant ({names}).")


async def open_session(
    identity: Identity, folder: Path, *, workspace: str | None, session: str | None
) -> Record:
    """Return the session to talk in: the one named, or a new one."""
    if session is not None:
        record: Record = await identity.call("GET", f"sessions/{session}")
        return record
    found = await identity.call("GET", "workspaces")
    chosen = choose_workspace(listed(found), folder, workspace)
    if chosen is None:
        path = str((folder / str(workspace)).resolve())
        chosen = await _opened(identity, path)
    record = await identity.call("POST", "sessions", {"workspace_id": chosen["id"]})
    return record


async def _opened(identity: Identity, path: str) -> Record:
    try:
        record: Record = await identity.call("POST", "workspaces", {"path": path})
    except ServerRefused as error:
        # Only the server's machine counts; but what isn't here either was probably mistyped.
        if await asyncio.to_thread(Path(path).is_dir):
            raise
        raise NoWorkspace(
            f"There is no folder {path}, and no open project folder has that name."
        ) from error
    return record


async def complete(identity: Identity, call: Call) -> Call:
    """Return a call with all of its parameters and its preview."""
    record: Record = await identity.call("GET", f"hitl/requests/{call.approval_id}")
    return replace(
        call, parameters=record["parameters"], preview=record["preview"], shortened=False
    )


async def compact(identity: Identity, session_id: str) -> str:
    """Have older messages hidden from the model; return what there is to say."""
    made = await identity.call("POST", f"sessions/{session_id}/compact")
    before, after = made["tokens_before"], made["tokens_after"]
    return f"The model is shown {after:,} tokens instead of {before:,}. /uncompact undoes it."


async def uncompact(identity: Identity, session_id: str) -> str:
    """Undo the last compaction in force; return what there is to say."""
    found = listed(await identity.call("GET", f"sessions/{session_id}/compactions"))
    active = [one["seq"] for one in found if one["in_force"]]
    if not active:
        return "Nothing is hidden from the model."
    await identity.call("POST", f"sessions/{session_id}/compactions/{active[-1]}/restore")
    return "The model is shown again what was hidden last."


def listed(answer: Any) -> list[Record]:
    """Return the records of a list answer: bare, or in the one list of a page."""
    if isinstance(answer, dict):
        answer = next((value for value in answer.values() if isinstance(value, list)), [])
    return list(answer)
