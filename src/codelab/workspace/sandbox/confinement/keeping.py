"""Puts back what other programs obey, where nothing could keep a command from changing it.

It runs outside of the confinement, on folders that a command has left behind: no link is followed.
What the command left is set aside under another name and not deleted, since somebody else may have
changed the file meanwhile.
"""

from __future__ import annotations

import os

_FOLDER, _FILE, _LINK = 0o040000, 0o100000, 0o120000
_KIND = 0o170000
_MOST_BYTES = 16_000_000
_MOST_FILES = 2000
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Its kind and mode, and what is in it: bytes, a link's target, or names. None: there is nothing.
State = tuple[int, "bytes | str | dict[str, State]"] | None


class TooMuchToKeep(Exception):
    """The settings of a workspace are too large to be remembered."""


class Kept:
    """Remembers places in a workspace.

    Args:
        root: A descriptor of the workspace's root.
        places: Paths beneath it.

    Raises:
        TooMuchToKeep: They hold too much.
    """

    def __init__(self, root: int, places: list[str]) -> None:
        self._root = root
        self._bytes = self._files = 0
        self._before = {place: self._at(place) for place in places}

    def put_back(self, mark: str) -> list[str]:
        """Make the places what they were, and name those that were not.

        Args:
            mark: Ends the names of what is set aside.
        """
        changed = []
        for place, before in self._before.items():
            self._bytes = self._files = 0
            try:
                now = self._at(place)
            except TooMuchToKeep:
                now = (0, "")
            if now != before:
                changed.append(place)
                folder = self._parent(place, mark)
                name = place.rpartition("/")[2]
                if now is not None:
                    os.rename(name, f"{name}{mark}", src_dir_fd=folder, dst_dir_fd=folder)
                _make(folder, name, before)
                os.close(folder)
        return changed

    def _at(self, place: str) -> State:
        folder = os.dup(self._root)
        *parents, name = place.split("/")
        try:
            for parent in parents:
                inner = os.open(parent, _OPEN_FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            return self._state(folder, name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        finally:
            os.close(folder)

    def _state(self, folder: int, name: str) -> State:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        self._files += 1
        if self._files > _MOST_FILES or self._bytes > _MOST_BYTES:
            raise TooMuchToKeep(name)
        if mode & _KIND == _LINK:
            return mode, os.readlink(name, dir_fd=folder)
        if mode & _KIND == _FILE:
            return mode, self._content(folder, name)
        if mode & _KIND == _FOLDER:
            inner = os.open(name, _OPEN_FOLDER, dir_fd=folder)
            try:
                with os.scandir(inner) as entries:
                    names = sorted(entry.name for entry in entries)
                return mode, {one: self._state(inner, one) for one in names}
            finally:
                os.close(inner)
        return mode, ""

    def _content(self, folder: int, name: str) -> bytes:
        descriptor = os.open(name, _OPEN_FILE, dir_fd=folder)
        try:
            content = b""
            while piece := os.read(descriptor, _MOST_BYTES):
                content += piece
                self._bytes += len(piece)
                if self._bytes > _MOST_BYTES:
                    raise TooMuchToKeep(name)
            return content
        finally:
            os.close(descriptor)

    def _parent(self, place: str, mark: str) -> int:
        """Open the folder of a place; what is no folder any more is set aside as well."""
        folder = os.dup(self._root)
        for name in place.split("/")[:-1]:
            try:
                inner = os.open(name, _OPEN_FOLDER, dir_fd=folder)
            except FileNotFoundError:
                os.mkdir(name, dir_fd=folder)
                inner = os.open(name, _OPEN_FOLDER, dir_fd=folder)
            except OSError:
                os.rename(name, f"{name}{mark}", src_dir_fd=folder, dst_dir_fd=folder)
                os.mkdir(name, dir_fd=folder)
                inner = os.open(name, _OPEN_FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return folder


def _make(folder: int, name: str, state: State) -> None:
    if state is None:
        return
    mode, content = state
    if isinstance(content, dict):
        os.mkdir(name, mode & 0o777, dir_fd=folder)
        inner = os.open(name, _OPEN_FOLDER, dir_fd=folder)
        for one, inner_state in content.items():
            _make(inner, one, inner_state)
        os.close(inner)
    elif isinstance(content, bytes):
        descriptor = os.open(name, _MAKE_FILE, mode & 0o777, dir_fd=folder)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.close(descriptor)
    elif mode & _KIND == _LINK:
        os.symlink(content, name, dir_fd=folder)
