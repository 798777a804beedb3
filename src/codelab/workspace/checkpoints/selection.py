"""What of a project a snapshot holds; blocking, so it runs in threads."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.workspace.checkpoints.plan import FileChange, FileState
from codelab.workspace.names import ROOT, joined, prefixes
from codelab.workspace.paths import opened_folder, opened_root, real_path

LARGEST_KEPT = 2_000_000

_GONE = "0" * 40


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What git is told of the project.

    Args:
        wanted: Paths that are kept as they are now, or are no more.
        gone: Paths that must not be in the snapshot.
        left_out: Files, and repositories within the project, that are not kept.
        size: How many bytes the wanted files have.
    """

    wanted: bytes = b""
    gone: bytes = b""
    left_out: tuple[str, ...] = ()
    size: int = 0


class _Choice:
    def __init__(self) -> None:
        self.wanted: list[bytes] = []
        self.gone: list[bytes] = []
        self.left_out: list[str] = []
        self.size = 0

    def take(self, root: int, path: bytes) -> None:
        """Decide about one path of git's."""
        if path.endswith(b"/"):
            # A repository within the project has a history of its own.
            self.left_out.append(_readable(path))
        elif not _is_unicode(path):
            self._leave_out(path)
        else:
            self._look(root, path)

    def _look(self, root: int, path: bytes) -> None:
        try:
            status = os.stat(path, dir_fd=root, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            self.wanted.append(path)
            return
        except OSError:
            self._leave_out(path)
            return
        if stat.S_ISLNK(status.st_mode):
            self.wanted.append(path)
        elif not stat.S_ISREG(status.st_mode):
            self.gone.append(path)
        elif status.st_size > LARGEST_KEPT or not _may_read(root, path):
            self._leave_out(path)
        else:
            self.wanted.append(path)
            self.size += status.st_size

    def _leave_out(self, path: bytes) -> None:
        # What an earlier snapshot held of it is not what is there.
        self.gone.append(path)
        self.left_out.append(_readable(path))


def choose(root: Path, paths: Iterable[bytes]) -> Selection:
    """Leave out of the paths what is too large, no file, unreadable or has no name in Unicode."""
    choice = _Choice()
    with opened_root(root) as descriptor:
        for path in dict.fromkeys(paths):
            if path:
                choice.take(descriptor, path)
    gone = b"".join(b"0 %s\t%s\0" % (_GONE.encode(), path) for path in choice.gone)
    return Selection(
        wanted=b"".join(path + b"\0" for path in choice.wanted),
        gone=gone,
        left_out=tuple(choice.left_out),
        size=choice.size,
    )


def real_paths(root: Path, paths: Sequence[str]) -> tuple[str, ...] | None:
    """Return where these files really lie, links followed; none unless all may be files."""
    found = []
    with opened_root(root) as descriptor:
        for path in paths:
            real = _real(descriptor, path)
            if real is None:
                return None
            found.append(real)
    return tuple(dict.fromkeys(found)) or None


def missing_folders(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the folders of these files that are not there yet, the outermost first."""
    folders = dict.fromkeys(part for path in paths for part in prefixes(path)[:-1])
    with opened_root(root) as descriptor:
        return tuple(sorted(path for path in folders if not _exists(descriptor, path)))


def read_changes(text: bytes) -> Iterator[FileChange]:
    """Read what git tells of the difference between two snapshots."""
    fields = iter(text.split(b"\0"))
    for head in fields:
        if not head.startswith(b":"):
            continue
        old_mode, new_mode, old, new, _ = head[1:].decode("ascii").split(" ")
        yield FileChange(
            path=next(fields).decode("utf-8"),
            before=None if old == _GONE else FileState(old, old_mode),
            after=None if new == _GONE else FileState(new, new_mode),
        )


def _real(root: int, path: str) -> str | None:
    parent, _, name = path.rpartition("/")
    real: str | None = path
    try:
        with opened_folder(root, parent or ROOT) as folder:
            real = joined(real_path(root, folder, parent or ROOT), name)
            if name == ROOT or stat.S_ISDIR(os.stat(name, dir_fd=folder).st_mode):
                return None
            return real
    except (OSError, CodeLabError):
        return real


def _exists(root: int, path: str) -> bool:
    try:
        os.stat(path, dir_fd=root, follow_symlinks=False)
    except OSError:
        return False
    return True


def _may_read(root: int, path: bytes) -> bool:
    return os.access(path, os.R_OK, dir_fd=root, effective_ids=True)


def _is_unicode(path: bytes) -> bool:
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _readable(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
