"""A file as it is now, and how it is told from another."""

from __future__ import annotations

import errno
import os

import msgspec

from codelab.workspace.errors import FileChanged, FileTooLarge, NotRegular, PathRefused
from codelab.workspace.paths import ensure_regular, explained
from codelab.workspace.text import digest_of

LARGEST_READ = 10_000_000
_CHUNK = 1 << 20


class Present(msgspec.Struct, frozen=True):
    """A file as it is now."""

    data: bytes
    digest: str
    mode: int
    owner: tuple[int, int]


def present_in(folder: int, name: str, path: str) -> Present | None:
    """Read the file of a name in an open folder; none where there is none.

    Raises:
        CodeLabError: It is no file that may be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PathRefused(
                f"{path} is a symbolic link; name the file itself.", field="path"
            ) from None
        raise explained(error, path) from None
    try:
        status = ensure_regular(descriptor, path)
        data = read_all(descriptor, path)
        owner = (status.st_uid, status.st_gid)
        return Present(data, digest_of(data), status.st_mode & 0o7777, owner)
    finally:
        os.close(descriptor)


def read_all(descriptor: int, path: str) -> bytes:
    """Read an open file.

    Raises:
        FileTooLarge: It has more than 10 MB.
    """
    size = os.fstat(descriptor).st_size
    if size > LARGEST_READ:
        raise FileTooLarge(
            f"{path} has {size / 1e6:.1f} MB; at most 10 MB are read. Search it instead.",
            field="path",
        )
    chunks: list[bytes] = []
    total = 0
    # The size may grow, or be a wrong one, as under /proc: only what is read counts.
    while chunk := os.read(descriptor, _CHUNK):
        total += len(chunk)
        if total > LARGEST_READ:
            raise FileTooLarge(f"{path} grew beyond 10 MB while it was read.", field="path")
        chunks.append(chunk)
    return b"".join(chunks)


def identity(folder: int, name: str) -> str:
    """Return the file's digest; for what cannot be read as a file, its place on the disk."""
    try:
        now = present_in(folder, name, name)
    except (FileTooLarge, NotRegular, PathRefused):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        return f"{status.st_dev}:{status.st_ino}"
    return now.digest if now else ""


def changed(path: str, now: Present | None = None) -> FileChanged:
    """Say that a file is not what it was; `now` is what it is."""
    return FileChanged(
        f"{path} was changed since it was looked at. Read it again.",
        field="path",
        digest=now.digest if now else "",
    )
