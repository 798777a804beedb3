"""Opens what lies beneath a root, and nothing else, also while somebody moves links about.

The kernel's `openat2` resolves a path and refuses to leave the root in one step, so there is no
moment between a check and its use. Where the kernel lacks it, each component is opened without
following links.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codelab.workspace.errors import FileMissing, NotRegular, PathRefused, WorkspaceGone
from codelab.workspace.names import ROOT, prefixes

_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_TRIES = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without blocking, so that a pipe without a writer cannot hold a thread.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DELETED = " (deleted)"


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """Lend a descriptor of a workspace's root.

    Raises:
        WorkspaceGone: The folder is not there.
    """
    try:
        descriptor = os.open(root, _FOLDER | os.O_NOFOLLOW)
    except OSError:
        raise WorkspaceGone("The workspace's folder is gone or cannot be opened.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_folder(root: int, path: str, *, follows_links: bool = True) -> Iterator[int]:
    """Lend a descriptor of a folder beneath the root.

    Args:
        root: A descriptor of the root.
        path: The folder's path, relative to it.
        follows_links: Whether links on the way are followed, where the kernel can do it safely.
    """
    descriptor = _open_beneath(root, path, _FOLDER, follows_links=follows_links)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(root: int, path: str) -> Iterator[int]:
    """Lend a descriptor, for reading, of a regular file beneath the root.

    Raises:
        NotRegular: It is a folder, a pipe, a device or a socket.
    """
    descriptor = _open_beneath(root, path, _FILE)
    try:
        ensure_regular(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def ensure_regular(descriptor: int, path: str) -> os.stat_result:
    """Return the status of an open file and refuse what is not a regular one."""
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise NotRegular(f"{path} is a folder.", field="path")
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(f"{path} is not a regular file.", field="path")
    return status


def real_path(root: int, descriptor: int, path: str) -> str:
    """Return where an open descriptor really lies, links followed, relative to the root."""
    if not has_openat2():
        return path  # Links are not followed then.
    base, target = _link(root), _link(descriptor)
    if target == base:
        return ROOT
    prefix = base.rstrip("/") + "/"
    if not target.startswith(prefix):
        raise _outside(path)
    return target.removeprefix(prefix)


def explained(error: OSError, path: str) -> Exception:
    """Turn the system's refusal to open or read into the condition it means."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return FileMissing(f"There is no file or folder {path}.", field="path")
    if error.errno in (errno.EXDEV, errno.ELOOP, errno.EAGAIN):
        return _outside(path)
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EISDIR, errno.EOPNOTSUPP):
        return NotRegular(f"{path} is not a regular file.", field="path")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PathRefused(f"The server may not open {path}.", field="path")
    return PathRefused(f"{path} cannot be opened ({os.strerror(error.errno or 0)}).", field="path")


@functools.cache
def has_openat2() -> bool:
    """Tell whether this kernel resolves paths beneath a root by itself."""
    if not sys.platform.startswith("linux"):
        return False
    root = os.open("/", _FOLDER)
    try:
        os.close(_openat2(root, ".", _FOLDER, _RESOLVE_BENEATH))
        Path(f"/proc/self/fd/{root}").readlink()
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _open_beneath(root: int, path: str, flags: int, *, follows_links: bool = True) -> int:
    resolve = _RESOLVE_BENEATH | (_RESOLVE_NO_MAGICLINKS if follows_links else _RESOLVE_NO_SYMLINKS)
    try:
        return _openat2(root, path, flags, resolve) if has_openat2() else walk(root, path, flags)
    except OSError as error:
        raise explained(error, path) from None


def walk(root: int, path: str, flags: int) -> int:
    """Open a path component by component without following any link.

    Raises:
        OSError: A component is a link, or does not exist.
    """
    parts = prefixes(path)
    names = [part.rsplit("/", 1)[-1] for part in parts] or [ROOT]
    current = os.dup(root)
    try:
        for name in names[:-1]:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
        return os.open(names[-1], flags | os.O_NOFOLLOW, dir_fd=current)
    finally:
        os.close(current)


def _openat2(root: int, path: str, flags: int, resolve: int) -> int:
    how = _OpenHow(flags, 0, resolve)
    for _ in range(_TRIES):
        descriptor = _libc().syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return int(descriptor)
        # EAGAIN: something was renamed while the kernel resolved the path; it says to try again.
        if ctypes.get_errno() != errno.EAGAIN:
            break
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _link(descriptor: int) -> str:
    path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
    with suppress(OSError):
        if path.endswith(_DELETED) and os.fstat(descriptor).st_nlink == 0:
            return path.removesuffix(_DELETED)
    return path


def _outside(path: str) -> PathRefused:
    return PathRefused(f"{path} leads outside the workspace.", field="path")
