"""Changes that are given up, and the way back: git keeps what was in the files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from codelab.workspace.checkpoints.plan import FileState, Step
from codelab.workspace.checkpoints.selection import LARGEST_KEPT
from codelab.workspace.errors import GitRefused
from codelab.workspace.folder import Folder
from codelab.workspace.vcs.calls import MOST_BYTES, checked, done_to, printed
from codelab.workspace.vcs.staging import listed, refuse_filtered
from codelab.workspace.vcs.state import ChangedPath, entries_below

MOST_AT_ONCE = 200

_EXECUTABLE, _REGULAR = "100755", "100644"


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held before its changes were discarded.

    Args:
        path: The file.
        blob: git's name of its content; empty when the file had been deleted.
        executable: Whether it was a program.
    """

    path: str
    blob: str
    executable: bool = False


async def discard(folder: Folder, paths: Sequence[str]) -> tuple[KeptFile, ...]:
    """Give up what is not staged: files become what is staged, new ones vanish.

    What was in them is kept by git, which forgets it when it next clears up (two weeks later,
    unless it was told otherwise).

    Raises:
        GitRefused: Something could not be kept, so that nothing was changed.
    """
    entries = [
        entry
        for entry in await entries_below(folder, [checked(path) for path in paths])
        if entry.unstaged
    ]
    _check(entries)
    names = [entry.path for entry in entries]
    states = await folder.undo(lambda undoing: undoing.states(names))
    known = [entry.path for entry in entries if entry.unstaged != "?"]
    await refuse_filtered(folder, known)
    kept = await _keep(folder, names, states)
    steps = [
        Step(path=entry.path, now=states[entry.path], target=None)
        for entry in entries
        if entry.unstaged == "?"
    ]
    if known:
        await done_to(folder, ("restore", "--worktree"), known)
    left = await folder.undo(lambda undoing: undoing.put_back(steps, {}))
    gone = {conflict.path for conflict in left}
    return tuple(file for file in kept if file.path not in gone)


async def undiscard(folder: Folder, files: Sequence[KeptFile]) -> tuple[str, ...]:
    """Put back what was discarded; return the files that could not be, as they changed since."""
    names = [checked(file.path) for file in files]
    changed = {entry.path for entry in await entries_below(folder, names) if entry.unstaged}
    states = await folder.undo(lambda undoing: undoing.states(names))
    steps: list[Step] = []
    contents: dict[str, bytes] = {}
    for file in files:
        if file.path in changed:
            continue
        target = None
        if file.blob:
            mode = _EXECUTABLE if file.executable else _REGULAR
            target = FileState(file.blob, mode)
            contents[file.blob] = await printed(folder, "cat-file", "blob", file.blob)
        steps.append(Step(path=file.path, now=states[file.path], target=target))
    left = await folder.undo(lambda undoing: undoing.put_back(steps, contents))
    return (*sorted(changed), *(conflict.path for conflict in left))


def _too_large(root: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (root / name).lstat().st_size > LARGEST_KEPT]


def _check(entries: Sequence[ChangedPath]) -> None:
    if not entries:
        raise GitRefused("There is nothing to discard in these paths.")
    if len(entries) > MOST_AT_ONCE:
        raise GitRefused(f"At most {MOST_AT_ONCE} files are discarded at once.")
    if conflicts := [entry.path for entry in entries if entry.conflict]:
        raise GitRefused(f"These are in conflict; resolve them instead: {listed(conflicts)}")
    if nested := [entry.path for entry in entries if entry.path.endswith("/")]:
        raise GitRefused(f"These are repositories of their own: {listed(nested)}")


async def _keep(
    folder: Folder, names: Sequence[str], states: dict[str, FileState | None]
) -> tuple[KeptFile, ...]:
    root = Path(folder.root())
    large = await asyncio.to_thread(_too_large, root, [name for name in names if states[name]])
    others = [name for name in names if (state := states[name]) and not state.blob]
    if others := [*others, *large]:
        raise GitRefused(
            "These cannot be kept, as links or because they are too large; discard them in a "
            f"terminal: {listed(others)}"
        )
    present = [name for name in names if states[name]]
    blobs: list[str] = []
    if present:
        words = ("hash-object", "-w", "--no-filters", "--")
        told = await printed(folder, *words, *present, most=MOST_BYTES)
        blobs = told.decode("ascii").split()
    if len(blobs) != len(present):
        raise GitRefused("git could not keep these files; nothing was discarded.")
    found = dict(zip(present, blobs, strict=True))
    return tuple(
        KeptFile(
            path=name,
            blob=found.get(name, ""),
            executable=(state := states[name]) is not None and state.mode == _EXECUTABLE,
        )
        for name in names
    )
