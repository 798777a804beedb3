"""The files between the server and the git that it has started; blocking."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from codelab.workspace.checkpoints.plan import FileChange
from codelab.workspace.checkpoints.selection import Selection, choose, read_changes
from codelab.workspace.errors import CheckpointFailed

PARTS = ("seen", "go", "wanted", "gone", "many", "changes", "blobs")

_MANY = 500
_MB = 1_000_000


class Taking:
    """One snapshot while it is taken.

    Args:
        root: The project.
        place: The folder that git and the server share.
        name: What the names of the files begin with.
        most_mb: How much may be new in one snapshot.
    """

    def __init__(self, root: Path, place: Path, name: str, most_mb: int) -> None:
        self.chosen = Selection()
        self._root = root
        self._place = place
        self._name = name
        self._most_mb = most_mb
        self._go = -1

    def open(self) -> None:
        """Make the way by which git is told to go on.

        It is open in both directions, so that neither side can wait for the other for good.
        """
        os.mkfifo(self._file("go"), 0o600)
        self._go = os.open(self._file("go"), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def choose_seen(self) -> None:
        """Choose among what git has found, and let it go on; if that fails, let it end."""
        answer = b"stop\n"
        try:
            self.choose(self._file("seen").read_bytes().split(b"\0"))
            answer = b"go\n"
        finally:
            # It may not listen yet: the way stays open until it has ended.
            os.write(self._go, answer)

    def choose(self, paths: Iterable[bytes]) -> None:
        """Write down what git is to keep.

        Raises:
            CheckpointFailed: It is too much.
        """
        self.chosen = choose(self._root, paths)
        if self.chosen.size > self._most_mb * _MB:
            raise failed(f"more than {self._most_mb} MB are new")
        self._file("wanted").write_bytes(self.chosen.wanted)
        self._file("gone").write_bytes(self.chosen.gone)
        if self.chosen.wanted.count(b"\0") > _MANY:
            self._file("many").touch()

    def finish(self, session_id: str, tree: str) -> tuple[FileChange, ...]:
        """Give the snapshot its name; return what git says has changed."""
        changes = self._file("changes")
        found = tuple(read_changes(changes.read_bytes())) if changes.exists() else ()
        folder = self._place / "refs" / "checkpoints" / session_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / self._name).write_text(f"{tree}\n", "ascii")
        return found

    def close(self) -> None:
        """Leave nothing behind."""
        if self._go >= 0:
            os.close(self._go)
            self._go = -1
        clear(self._place, self._name)

    def _file(self, part: str) -> Path:
        return self._place / f"{self._name}.{part}"


def clear(place: Path, name: str) -> None:
    """Remove the files of one piece of work."""
    for part in PARTS:
        (place / f"{name}.{part}").unlink(missing_ok=True)


def failed(reason: str) -> CheckpointFailed:
    """Say why a state could not be kept, or not be read."""
    return CheckpointFailed(f"The project's state could not be kept: {reason}.")
