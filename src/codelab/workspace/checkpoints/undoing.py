"""Puts single files back to what they were; blocking, so it runs in threads.

A file is changed only if it still has the content and the mode that are expected of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.workspace import files
from codelab.workspace.checkpoints.plan import Conflict, FileState, Reason, Step
from codelab.workspace.checkpoints.selection import LARGEST_KEPT
from codelab.workspace.diffs import unified
from codelab.workspace.errors import FileChanged, FileMissing, NotRegular, NotText, PathRefused
from codelab.workspace.names import ROOT
from codelab.workspace.paths import opened_folder, real_path
from codelab.workspace.present import Present
from codelab.workspace.rules import Rules
from codelab.workspace.text import decode

_REGULAR, _EXECUTABLE = "100644", "100755"
# There is something, and it is no file, or none that may be read.
_OTHER = FileState("", "000000")
_LONGEST_DIFF = 50_000


class FileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a file, as a unified diff; `truncated` if that is not all of it."""

    path: str
    diff: str
    truncated: bool = False


class Undoing:
    """A workspace while files of it go back.

    Args:
        root: A descriptor of its root.
        rules: What may be changed.
    """

    def __init__(self, root: int, rules: Rules) -> None:
        self._root = root
        self._rules = rules

    def states(self, paths: Iterable[str]) -> dict[str, FileState | None]:
        """Name what is there now, as git would."""
        return {path: self._look(path)[0] for path in paths}

    def diffs(
        self, steps: Iterable[Step], contents: dict[str, bytes], room: int
    ) -> tuple[FileDiff, ...]:
        """Show what steps would do, within so many characters in all."""
        found = []
        for step in steps:
            _, now = self._look(step.path)
            target = contents.get(step.target.blob, b"") if step.target else b""
            diff = unified(
                _shown(now.data if now else b"", step.path),
                _shown(target, step.path),
                step.path,
                is_new=step.now is None,
                is_gone=step.target is None,
            )
            diff = _with_mode(step, diff)
            longest = max(0, min(room, _LONGEST_DIFF))
            found.append(
                FileDiff(path=step.path, diff=diff[:longest], truncated=len(diff) > longest)
            )
            room -= len(diff)
        return tuple(found)

    def put_back(self, steps: Sequence[Step], contents: dict[str, bytes]) -> list[Conflict]:
        """Take steps; return those that could not be taken."""
        conflicts = []
        for step in steps:
            reason = self._put_back(step, contents)
            if reason is not None:
                conflicts.append(Conflict(path=step.path, reason=reason))
        return conflicts

    def remove_empty(self, folders: Iterable[str]) -> None:
        """Remove those of these folders that hold nothing any more, the innermost first."""
        for path in sorted(set(folders), reverse=True):
            parent, _, name = path.rpartition("/")
            try:
                with opened_folder(self._root, parent or ROOT) as folder:
                    os.rmdir(name, dir_fd=folder)
            except (OSError, CodeLabError):
                continue

    def _look(self, path: str) -> tuple[FileState | None, Present | None]:
        try:
            if self._lies_elsewhere(path):
                return _OTHER, None
            now = files.present(self._root, self._rules, path)
        except CodeLabError:
            return _OTHER, None
        if now is None:
            return None, None
        blob = hashlib.sha1(b"blob %d\0" % len(now.data), usedforsecurity=False)
        blob.update(now.data)
        mode = _EXECUTABLE if now.mode & stat.S_IXUSR else _REGULAR
        return FileState(blob.hexdigest(), mode), now

    def _lies_elsewhere(self, path: str) -> bool:
        """Tell whether a folder on the way has become a link."""
        parent = path.rpartition("/")[0] or ROOT
        try:
            with opened_folder(self._root, parent) as folder:
                return real_path(self._root, folder, parent) != parent
        except FileMissing:
            return False

    def _put_back(self, step: Step, contents: dict[str, bytes]) -> Reason | None:
        state, now = self._look(step.path)
        if state != step.now:
            return "changed_since"
        before = now.digest if now else ""
        try:
            if step.target is None:
                files.delete(self._root, self._rules, step.path, before)
            elif (data := contents.get(step.target.blob)) is None:
                return "not_kept"
            else:
                files.write(
                    self._root,
                    self._rules,
                    step.path,
                    data,
                    before,
                    executable=step.target.mode == _EXECUTABLE,
                    largest=LARGEST_KEPT,
                )
        except (FileChanged, FileMissing):
            return "changed_since"
        except (NotRegular, PathRefused):
            return "not_a_file"
        except CodeLabError:
            return "not_written"
        return None


def _with_mode(step: Step, diff: str) -> str:
    modes = [state.mode for state in (step.now, step.target) if state]
    if len(set(modes)) == 1:
        return diff
    note = f"mode {modes[0]} becomes {modes[-1]}"
    return f"{diff}\n{note}" if diff else f"{step.path}: {note}"


def _shown(data: bytes, path: str) -> str:
    try:
        return decode(data, path)
    except NotText:
        return f"(binary, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()})\n"
