"""Making, moving and deleting folders, and moving files; blocking, so it runs in threads.

Nothing is ever replaced: what has a name keeps it, whoever else wants it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress

import msgspec

from codelab.workspace.errors import (
    FileMissing,
    FileNotWritten,
    FileTooLarge,
    FolderNotEmpty,
    NameTaken,
    NotRegular,
    PathRefused,
)
from codelab.workspace.files import make_folders, not_written, target_of
from codelab.workspace.names import prefixes
from codelab.workspace.renaming import NOREPLACE, renamed
from codelab.workspace.rules import Rules, is_repository

MOST_DELETED = 200_000

_DEEPEST = 200
_LONGEST_COUNT_S = 10.0
_INSIDE = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a folder, however deep, and would be lost with it.

    Args:
        path: The folder.
        files: How many files and links.
        folders: How many folders.
        size: How large the files are together, in bytes.
        repositories: How many git repositories, each with its history.
        is_complete: Whether all was counted; otherwise each number is a least one.
    """

    path: str
    files: int = 0
    folders: int = 0
    size: int = 0
    repositories: int = 0
    is_complete: bool = True


class _Count:
    """Counts up to a bound."""

    def __init__(self) -> None:
        self.files = self.folders = self.size = self.repositories = 0
        self.is_complete = True
        self._deadline = time.monotonic() + _LONGEST_COUNT_S

    def walk(self, folder: int, depth: int = 0) -> None:
        """Count what lies in an open folder; links are counted, never followed."""
        with os.scandir(folder) as scan:
            for item in scan:
                seen = self.files + self.folders
                late = seen % 1024 == 0 and time.monotonic() > self._deadline
                if late or seen >= MOST_DELETED or depth > _DEEPEST:
                    self.is_complete = False
                if not self.is_complete:
                    return
                with suppress(OSError):
                    if item.is_dir(follow_symlinks=False):
                        self.folders += 1
                        self.repositories += is_repository(item.name)
                        self._descend(folder, item.name, depth)
                    else:
                        self.files += 1
                        self.size += item.stat(follow_symlinks=False).st_size

    def _descend(self, folder: int, name: str, depth: int) -> None:
        below = os.open(name, _INSIDE, dir_fd=folder)
        try:
            self.walk(below, depth + 1)
        finally:
            os.close(below)


def make_folder(root: int, rules: Rules, path: str) -> None:
    """Make a folder, and those that it lies in.

    Raises:
        NameTaken: There is something of this name.
    """
    rules.check(root, path, is_folder=True)
    with target_of(root, rules, path, create=True) as (folder, name):
        if _status(folder, name) is not None:
            raise _taken(path)
    make_folders(root, prefixes(path))


def summarise(root: int, rules: Rules, path: str) -> FolderSummary:
    """Count what a folder holds.

    Raises:
        FileMissing: There is no such folder.
    """
    with target_of(root, rules, path, create=False) as (folder, name):
        return _summary(_opened(folder, name, path), path)


def delete_folder(root: int, rules: Rules, path: str, *, recursive: bool) -> FolderSummary:
    """Delete a folder; what it held is deleted only if that is asked for. Of a link, only the link.

    Returns:
        What it held.

    Raises:
        FolderNotEmpty: It holds something, and only the folder was to be deleted.
        FileTooLarge: It holds too much to be deleted in one go; nothing was deleted.
        FileNotWritten: Something in it could not be deleted; what is left lies where it was.
    """
    with target_of(root, rules, path, create=False) as (folder, name):
        status = _status(folder, name)
        if status is not None and stat.S_ISLNK(status.st_mode):
            os.unlink(name, dir_fd=folder)
            return FolderSummary(path=path, files=1)
        held = _summary(_opened(folder, name, path), path)
        if not recursive and (held.files or held.folders):
            raise FolderNotEmpty(f"{path} holds {held.files} files and {held.folders} folders.")
        if not held.is_complete:
            raise FileTooLarge(
                f"{path} holds more than {MOST_DELETED} entries, or nests too deeply, to be "
                "deleted here. Delete it in a terminal.",
                field="path",
            )
        try:
            _clear(folder, name)
            os.rmdir(name, dir_fd=folder)
            os.fsync(folder)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise FileNotWritten(
                f"{path} could not be deleted wholly ({reason}). What is left lies where it was."
            ) from None
    return held


def move(root: int, rules: Rules, source: str, target: str) -> bool:
    """Give a file, folder or link another name or place; tells whether it was a folder.

    Raises:
        NameTaken: Something has the new name.
        PathRefused: A folder was to be moved into itself.
        FileMissing: There is nothing to move.
    """
    if target == source or target.startswith(f"{source}/"):
        raise PathRefused(f"{source} cannot be moved into itself.", field="to")
    with target_of(root, rules, source, create=False) as (old_folder, old):
        status = _status(old_folder, old)
        if status is None:
            raise FileMissing(f"There is no file or folder {source}.", field="from")
        is_folder = stat.S_ISDIR(status.st_mode)
        with target_of(root, rules, target, create=True) as (new_folder, new):
            if is_folder:
                _check_not_inside(root, old_folder, old, new_folder, source)
            try:
                if not renamed(old_folder, old, new, NOREPLACE, into=new_folder):
                    _move_plainly(old_folder, old, new_folder, new, is_folder=is_folder)
                os.fsync(new_folder)
            except (FileExistsError, IsADirectoryError):
                raise _taken(target) from None
            except FileNotFoundError:
                raise FileMissing(f"There is no file or folder {source}.", field="from") from None
            except OSError as error:
                raise not_written(error, source) from None
    return is_folder


def _check_not_inside(root: int, old_folder: int, old: str, new_folder: int, path: str) -> None:
    # Through a link, a folder may lie in itself though its path does not say so.
    moved = os.stat(old, dir_fd=old_folder, follow_symlinks=False)
    top = os.fstat(root)
    current = os.dup(new_folder)
    try:
        for _ in range(_DEEPEST * 10):
            here = os.fstat(current)
            if os.path.samestat(here, moved):
                raise PathRefused(f"{path} cannot be moved into itself.", field="to")
            if os.path.samestat(here, top):
                return
            above = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = above
    finally:
        os.close(current)


def _move_plainly(old_folder: int, old: str, new_folder: int, new: str, *, is_folder: bool) -> None:
    """Move where the system cannot refuse to replace by itself."""
    if is_folder:
        if _status(new_folder, new) is not None:
            raise FileExistsError(errno.EEXIST, "taken", new)
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        return
    os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
    os.unlink(old, dir_fd=old_folder)


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _opened(folder: int, name: str, path: str) -> int:
    try:
        return os.open(name, _INSIDE, dir_fd=folder)
    except FileNotFoundError:
        raise FileMissing(f"There is no folder {path}.", field="path") from None
    except NotADirectoryError:
        raise NotRegular(f"{path} is no folder.", field="path") from None
    except OSError as error:
        raise not_written(error, path) from None


def _summary(descriptor: int, path: str) -> FolderSummary:
    count = _Count()
    try:
        count.walk(descriptor)
    finally:
        os.close(descriptor)
    return FolderSummary(
        path=path,
        files=count.files,
        folders=count.folders,
        size=count.size,
        repositories=count.repositories,
        is_complete=count.is_complete,
    )


def _clear(folder: int, name: str) -> None:
    # By open folders only, so that a link that is put there meanwhile leads nowhere.
    descriptor = os.open(name, _INSIDE, dir_fd=folder)
    try:
        with os.scandir(descriptor) as scan:
            entries = [(item.name, item.is_dir(follow_symlinks=False)) for item in scan]
        for entry, is_folder in entries:
            if is_folder:
                _clear(descriptor, entry)
                os.rmdir(entry, dir_fd=descriptor)
            else:
                os.unlink(entry, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _taken(path: str) -> NameTaken:
    return NameTaken(f"There is something called {path} already.", field="path")
