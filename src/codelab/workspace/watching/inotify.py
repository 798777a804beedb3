"""The kernel's own notices of changes in folders (Linux only); blocking, so it runs in a thread."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import select
import struct
import sys
from collections.abc import Iterator

import msgspec

MODIFIED = 0x0000_0002
MOVED_FROM = 0x0000_0040
MOVED_TO = 0x0000_0080
CREATED = 0x0000_0100
DELETED = 0x0000_0200
OVERFLOWN = 0x0000_4000
FORGOTTEN = 0x0000_8000
IS_FOLDER = 0x4000_0000

_WATCHED = MODIFIED | MOVED_FROM | MOVED_TO | CREATED | DELETED
_ONLY_FOLDERS = 0x0100_0000
_HEAD = struct.Struct("iIII")
_READ = 256 * 1024


class Notice(msgspec.Struct, frozen=True, gc=False):
    """One change: in which watched folder, what, and to which name."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One stream of notices about any number of folders.

    Raises:
        OSError: The system has none to give.
    """

    def __init__(self) -> None:
        self._descriptor = _checked(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._wake_up, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Not `select`: it knows the first 1,024 descriptors only, and every client has one.
        self._poll = select.poll()
        for descriptor in (self._descriptor, self._wake_up):
            self._poll.register(descriptor, select.POLLIN)

    def close(self) -> None:
        """Give everything back; only once nobody waits any more."""
        for descriptor in (self._descriptor, self._wake_up, self._woken):
            os.close(descriptor)

    def wake(self) -> None:
        """Let whoever waits go on, from another thread."""
        os.write(self._woken, b"x")

    def add(self, folder: int) -> int:
        """Watch an open folder itself, wherever its path leads by then; returns its number."""
        path = f"/proc/self/fd/{folder}".encode()
        watched = _WATCHED | _ONLY_FOLDERS
        return _checked(_libc().inotify_add_watch(self._descriptor, path, watched))

    def remove(self, watch: int) -> None:
        """Watch a folder no more."""
        _libc().inotify_rm_watch(self._descriptor, watch)

    def wait(self, within_s: float | None) -> bool:
        """Wait for the next notice; false when none came in time, or somebody called `wake`."""
        ready = self._poll.poll(None if within_s is None else within_s * 1000)
        return [descriptor for descriptor, _ in ready] == [self._descriptor]

    def read(self) -> Iterator[Notice]:
        """Return what there is."""
        try:
            data = os.read(self._descriptor, _READ)
        except BlockingIOError:
            return
        place = 0
        while place < len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, place)
            place += _HEAD.size
            name = data[place : place + length].rstrip(b"\0")
            place += length
            yield Notice(watch, mask, os.fsdecode(name))


def is_offered() -> bool:
    """Tell whether this system has such notices."""
    return sys.platform.startswith("linux")


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno() or errno.EINVAL
        raise OSError(number, os.strerror(number))
    return answer


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
