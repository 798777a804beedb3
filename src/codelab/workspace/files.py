"""Reading and changing single files; blocking, so it runs in threads.

A change is atomic: the new bytes go to a temporary file beside the target and take its place in
one step. What was displaced is compared with what was expected, and put back if it is something
else.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from codelab.kit.ids import new_id
from codelab.workspace.contents import Stamp, is_settled, stamp_of
from codelab.workspace.errors import (
    DiskFull,
    FileChanged,
    FileMissing,
    FileNotWritten,
    FileTooLarge,
    NotRegular,
)
from codelab.workspace.leftovers import TEMPORARY, is_older
from codelab.workspace.names import ROOT, joined, prefixes
from codelab.workspace.paths import (
    opened_file,
    opened_folder,
    real_path,
)
from codelab.workspace.present import Present, changed, identity, present_in, read_all
from codelab.workspace.renaming import EXCHANGE, NOREPLACE, renamed
from codelab.workspace.rules import Rules

LARGEST_WRITE = 1_000_000

_NEW_MODE = 0o666
_TRIES = 100
# What a killed server has left is cleared away, looking at no more than this at each write.
_LEFT_OVER_AFTER_S = 3600.0
_MOST_SEEN = 2000
# Writers of the same file take turns; the number only bounds the memory.
_LOCKS = tuple(threading.Lock() for _ in range(64))


def look(root: int, rules: Rules, path: str) -> Stamp:
    """Return the state of a file that may be read.

    Raises:
        CodeLabError: One of the conditions of `workspace.errors`.
    """
    with _readable(root, rules, path) as descriptor:
        return stamp_of(os.fstat(descriptor))


def read(root: int, rules: Rules, path: str) -> tuple[bytes, Stamp, bool]:
    """Read a file of at most 10 MB.

    Returns:
        The bytes, the file's state, and whether they belong to it for certain: the file may have
        changed while it was read.

    Raises:
        CodeLabError: One of the conditions of `workspace.errors`.
    """
    with _readable(root, rules, path) as descriptor:
        before = stamp_of(os.fstat(descriptor))
        data = read_all(descriptor, path)
        after = stamp_of(os.fstat(descriptor))
    return data, after, is_settled(before, after, time.time_ns())


@contextmanager
def _readable(root: int, rules: Rules, path: str) -> Iterator[int]:
    rules.check(root, path)
    for _ in range(_TRIES):
        with opened_file(root, path) as descriptor:
            real = real_path(root, descriptor, path)
            if real != path and TEMPORARY.fullmatch(real.rsplit("/", 1)[-1]):
                continue  # Just now, a writer puts another file in this one's place.
            if real != path:
                rules.check_target(root, path, real)
            yield descriptor
            return
    raise FileChanged(f"{path} is being changed all the time. Try again.", field="path")


def present(root: int, rules: Rules, path: str) -> Present | None:
    """Return the file that a change would touch; none where there is no file yet.

    Raises:
        CodeLabError: The path may not be changed.
    """
    try:
        with target_of(root, rules, path, create=False) as (folder, name):
            return present_in(folder, name, path)
    except FileMissing:
        return None


def write(
    root: int,
    rules: Rules,
    path: str,
    data: bytes,
    before: str,
    *,
    executable: bool | None = None,
    largest: int = LARGEST_WRITE,
) -> None:
    """Put the bytes in the file's place, if its digest is still `before` (empty: no file).

    Args:
        root: A descriptor of the workspace's root.
        rules: What the audience may change.
        path: The file.
        data: All of its bytes.
        before: The digest that it must have.
        executable: Whether it becomes a program; none: as it is.
        largest: How many bytes may be written.

    Raises:
        FileChanged: The file is another one than expected; it is left as it is.
        DiskFull: There is no space; the original is whole.
    """
    check_size(data, largest)
    with target_of(root, rules, path, create=True) as (folder, name), _turn(folder, name):
        now = present_in(folder, name, path)
        if (now.digest if now else "") != before:
            raise changed(path, now)
        temporary = _write_beside(folder, data, now, path, executable)
        try:
            _take_place(folder, temporary, name, path, before)
        finally:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
        os.fsync(folder)
        _clear_leftovers(folder)


def check_size(data: bytes, largest: int) -> None:
    """Refuse what is too large to be written.

    Raises:
        FileTooLarge: It is.
    """
    if len(data) > largest:
        raise FileTooLarge(
            f"At most {largest // 1_000_000} MB can be written at once.", field="content"
        )


def delete(root: int, rules: Rules, path: str, before: str) -> None:
    """Delete the file, if its digest is still `before`.

    Raises:
        FileMissing: There is no such file.
        FileChanged: It is another one than expected.
    """
    with target_of(root, rules, path, create=False) as (folder, name), _turn(folder, name):
        now = present_in(folder, name, path)
        if now is None:
            raise FileMissing(f"There is no file {path}.", field="path")
        if now.digest != before:
            raise changed(path, now)
        try:
            _take_away(folder, name, path, before)
            os.fsync(folder)
        except OSError as error:
            raise not_written(error, path) from None


@contextmanager
def target_of(root: int, rules: Rules, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
    """Lend the folder that a name lies in, for changing it, and the name.

    Raises:
        CodeLabError: The path may not be changed.
    """
    rules.check(root, path)
    folders = prefixes(path)[:-1]
    name = path.rsplit("/", 1)[-1]
    if name == ROOT:
        raise NotRegular("The workspace's root is a folder.", field="path")
    parent = folders[-1] if folders else ROOT
    if create:
        make_folders(root, folders)
    with opened_folder(root, parent) as folder:
        rules.check(root, joined(real_path(root, folder, parent), name))
        yield folder, name


def make_folders(root: int, folders: list[str]) -> None:
    """Make those of these folders that are not there, the outermost first."""
    parent = ROOT
    for path in folders:
        try:
            with opened_folder(root, path):
                pass
        except FileMissing:
            with opened_folder(root, parent) as folder:
                try:
                    os.mkdir(path.rsplit("/", 1)[-1], dir_fd=folder)
                    with opened_folder(root, path) as made:
                        _keep_owner(folder, made, None)
                except FileExistsError:
                    pass
                except OSError as error:
                    raise not_written(error, path) from None
        parent = path


def _write_beside(
    folder: int, data: bytes, now: Present | None, path: str, executable: bool | None
) -> str:
    name = f".codelab-{new_id()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, _NEW_MODE, dir_fd=folder)
    except OSError as error:
        raise not_written(error, path) from None
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        _keep_owner(folder, descriptor, now)
        if now:
            os.fchmod(descriptor, now.mode)
        if executable is not None:
            mode = os.fstat(descriptor).st_mode & 0o7777
            # Whoever may read a program may run it.
            allowed = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
            os.fchmod(descriptor, allowed)
        os.fsync(descriptor)
    except OSError as error:
        os.unlink(name, dir_fd=folder)
        raise not_written(error, path) from None
    finally:
        os.close(descriptor)
    return name


def _clear_leftovers(folder: int) -> None:
    # By the time in the name: a displaced file, which may yet be put back, keeps its own age.
    now = time.time()
    with suppress(OSError), os.scandir(folder) as scan:
        for item in itertools.islice(scan, _MOST_SEEN):
            found = TEMPORARY.fullmatch(item.name)
            if found and is_older(found[1], _LEFT_OVER_AFTER_S, now):
                with suppress(OSError):
                    os.unlink(item.name, dir_fd=folder)


def _keep_owner(folder: int, descriptor: int, now: Present | None) -> None:
    # A server that runs as root must not take a developer's files from them.
    status = os.fstat(folder)
    owner = now.owner if now else (status.st_uid, status.st_gid)
    if owner != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.fchown(descriptor, *owner)


def _take_place(folder: int, temporary: str, name: str, path: str, before: str) -> None:
    ours = identity(folder, temporary)
    try:
        if not renamed(folder, temporary, name, EXCHANGE if before else NOREPLACE):
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            return
    except (FileExistsError, FileNotFoundError):
        raise changed(path) from None
    except OSError as error:
        raise not_written(error, path) from None
    if before and (displaced := identity(folder, temporary)) != before:
        _put_back(folder, temporary, name, displaced, ours)
        raise changed(path)


def _take_away(folder: int, name: str, path: str, before: str) -> None:
    """Delete a file, unless another one has come in its place since it was looked at."""
    temporary = f".codelab-{new_id()}.tmp"
    if not renamed(folder, name, temporary, NOREPLACE):
        os.unlink(name, dir_fd=folder)
        return
    if identity(folder, temporary) != before:
        try:
            renamed(folder, temporary, name, NOREPLACE)
        except FileExistsError:
            # Another program saved once more: that one is the newest.
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
        raise changed(path)
    os.unlink(temporary, dir_fd=folder)


def _put_back(folder: int, temporary: str, name: str, displaced: str, placed: str) -> None:
    """Give the name back to what was displaced from it, or to whatever was saved since.

    `placed` is what took its place. If something else is found there, another program saved once
    more: that one is the newest, so it changes places again, until nothing new comes to light.
    """
    for _ in range(_TRIES):
        try:
            renamed(folder, temporary, name, EXCHANGE)
        except FileNotFoundError:
            # Somebody deleted the file in between; theirs is the one that was displaced.
            with suppress(OSError):
                renamed(folder, temporary, name, NOREPLACE)
            return
        found = identity(folder, temporary)
        if found == placed:
            return
        displaced, placed = found, displaced


@contextmanager
def _turn(folder: int, name: str) -> Iterator[None]:
    status = os.fstat(folder)
    with _LOCKS[hash((status.st_dev, status.st_ino, name)) % len(_LOCKS)]:
        yield


def not_written(error: OSError, path: str) -> Exception:
    """Turn the system's refusal to change something into the condition it means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"There is no space left to write {path}. The file is as it was.")
    reason = os.strerror(error.errno or 0)
    return FileNotWritten(f"{path} could not be changed ({reason}). It is as it was.")
