"""One watcher for all who want to hear of a folder's changes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codelab.workspace.watching.watcher import FileChanges, Watcher

Tell = Callable[[FileChanges], None]


class Watch:
    """One listener's part in a watcher; it begins and ends by itself.

    Args:
        shared: The watcher that it has a part in.
        tell: Called, from any thread, with each batch; the first one is empty or says why not.
    """

    def __init__(self, shared: _Shared, tell: Tell) -> None:
        self.tell = tell
        self._shared = shared
        self._ended: Watcher | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._shared.add(self)

    def stop(self) -> None:
        """Listen no more; with the last listener, watching ends."""
        self._ended = self._shared.remove(self)

    def join(self) -> None:
        """Wait until the watcher has ended, if this was its last listener."""
        if self._ended is not None:
            self._ended.join()


class SharedWatchers:
    """Knows which folders are watched."""

    def __init__(self) -> None:
        self._shared: dict[str, _Shared] = {}

    def watch(self, root: str, make: Callable[[Tell], Watcher], tell: Tell) -> Watch:
        """Offer a part in the watcher of a folder.

        Args:
            root: The folder.
            make: Makes a watcher of it, where there is none.
            tell: What is told.
        """
        shared = self._shared.get(root)
        if shared is None or shared.is_over():
            shared = self._shared[root] = _Shared(make)
        return Watch(shared, tell)


class _Shared:
    """A watcher with its listeners; none is told anything before it has begun to listen."""

    def __init__(self, make: Callable[[Tell], Watcher]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._listeners: list[Watch] = []
        self._watcher: Watcher | None = None
        self._standing: FileChanges | None = None
        self._was_used = False

    def is_over(self) -> bool:
        """Tell whether its last listener has gone."""
        with self._lock:
            return self._was_used and not self._listeners

    def add(self, listener: Watch) -> None:
        with self._lock:
            self._was_used = True
            self._listeners.append(listener)
            standing = self._standing
            if self._watcher is None or (standing is not None and not standing.watching):
                # What could not be watched is tried again whenever somebody asks for it.
                self._standing = standing = None
                self._watcher = self._make(self._hear)
                self._watcher.start()
        if standing is not None:
            listener.tell(standing)

    def remove(self, listener: Watch) -> Watcher | None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if self._listeners or self._watcher is None:
                return None
            ended, self._watcher, self._standing = self._watcher, None, None
        ended.stop()
        return ended

    def _hear(self, changes: FileChanges) -> None:
        is_standing = not changes.watching or changes == _BEGUN
        with self._lock:
            if is_standing:
                self._standing = changes
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.tell(changes)


_BEGUN = FileChanges()
