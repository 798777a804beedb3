"""Watches a whole workspace, but for what is excluded, and tells of changes in small batches."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.workspace.leftovers import is_temporary
from codelab.workspace.names import ROOT, joined
from codelab.workspace.paths import opened_folder, opened_root
from codelab.workspace.rules import Rules, is_repository
from codelab.workspace.watching.inotify import (
    CREATED,
    DELETED,
    FORGOTTEN,
    IS_FOLDER,
    MOVED_FROM,
    MOVED_TO,
    OVERFLOWN,
    Inotify,
    Notice,
    is_offered,
)

MOST_PATHS = 100

# A batch is told once nothing more came for the first, or after the second at the latest.
_QUIET_S = 0.05
_LONGEST_S = 0.1
_MOST_FOLDERS = 50_000
_DEEPEST = 100
_GIT = ".git"
# What of git's own folder says that its state changed.
_GIT_FILES = frozenset({"HEAD", "index", "packed-refs", "MERGE_HEAD", "ORIG_HEAD", "FETCH_HEAD"})
_COME_OR_GONE = CREATED | DELETED | MOVED_FROM | MOVED_TO
_log = structlog.get_logger(__name__)


class FileChanges(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What changed in a moment.

    Args:
        paths: The files and folders that changed, came or went; at most a hundred.
        folders: The folders in which a name came or went; at most a hundred.
        more: Whether there was more: then everything may have changed.
        git: Whether the repository's state changed.
        watching: Whether changes are told at all; otherwise look again from time to time.
        reason: Why not.
    """

    paths: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    more: bool = False
    git: bool = False
    watching: bool = True
    reason: str = ""


class Watcher:
    """Watches one workspace in a thread of its own, until it is stopped.

    Args:
        root: The workspace's folder.
        rules: Those for people; what they leave out of listings is not watched.
        tell: Called from the thread with each batch.
    """

    def __init__(self, root: Path, rules: Rules, tell: Callable[[FileChanges], None]) -> None:
        self._root = root
        self._rules = rules
        self._tell = tell
        self._stopped = threading.Event()
        # Whoever wakes the thread must not do so by a descriptor that was given back.
        self._lock = threading.Lock()
        self._notices: Inotify | None = None
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._is_full = ""
        self._thread = threading.Thread(target=self._run, name="file-watcher", daemon=True)

    def start(self) -> None:
        """Begin; a first, empty batch tells that it has begun."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; what it knows by then is told to nobody."""
        self._stopped.set()
        with self._lock:
            if self._notices is not None:
                self._notices.wake()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _run(self) -> None:
        if not is_offered():
            self._give_up("This system tells of no changes.")
            return
        try:
            self._notices = notices = Inotify()
        except OSError as error:
            self._give_up(_explained(error))
            return
        try:
            self._watch(notices)
        except CodeLabError as error:
            self._give_up(error.message)
        except Exception:
            _log.exception("file_watcher_failed")
            self._give_up("Watching failed.")
        finally:
            with self._lock:
                self._notices = None
                notices.close()

    def _watch(self, notices: Inotify) -> None:
        # The root is opened for moments only: of a folder that is open, nobody tells that it went.
        with opened_root(self._root) as root:
            self._add(root, notices, ROOT)
            self._add_git(root, notices)
        if self._is_full:
            self._give_up(self._is_full)
            return
        self._report(FileChanges())
        while not self._stopped.is_set():
            if not notices.wait(None):
                continue
            with opened_root(self._root) as root:
                batch = self._gather(root, notices)
            if self._is_full:
                self._give_up(self._is_full)
                return
            if (changes := batch.changes()) is not None:
                self._report(changes)
            if not self._watches:
                self._give_up("The workspace's folder is gone.")
                return

    def _gather(self, root: int, notices: Inotify) -> _Batch:
        batch = _Batch()
        first = time.monotonic()
        while not self._stopped.is_set():
            for notice in notices.read():
                self._take(root, notices, notice, batch)
            left_s = first + _LONGEST_S - time.monotonic()
            if left_s <= 0 or not notices.wait(min(_QUIET_S, left_s)):
                break
        return batch

    def _take(self, root: int, notices: Inotify, notice: Notice, batch: _Batch) -> None:
        if notice.mask & OVERFLOWN:
            # Which folders came meanwhile, nobody has told: all are looked for again.
            batch.more = True
            self._add(root, notices, ROOT)
            return
        folder = self._paths.get(notice.watch)
        if folder is None:
            return
        if notice.mask & FORGOTTEN:
            self._forget(notice.watch)
            return
        if folder == _GIT:
            batch.git = batch.git or notice.name in _GIT_FILES
            return
        is_folder = bool(notice.mask & IS_FOLDER)
        if is_repository(notice.name) or is_temporary(notice.name):
            if is_folder:
                self._add_git(root, notices)
            return
        path = joined(folder, notice.name)
        # Of one that is deleted, the kernel forgets by itself what was watched.
        if is_folder and notice.mask & MOVED_FROM:
            self._drop(notices, path)
        batch.add(folder, path, came_or_gone=bool(notice.mask & _COME_OR_GONE))
        if is_folder and notice.mask & (MOVED_TO | CREATED):
            self._add(root, notices, path)

    def _add(self, root: int, notices: Inotify, start: str) -> None:
        """Watch a folder and all that belongs into listings beneath it."""
        waiting = deque([start])
        while waiting and not self._is_full and not self._stopped.is_set():
            path = waiting.popleft()
            if path != ROOT and not self._rules.lists(root, path, is_folder=True):
                continue
            if path.count("/") > _DEEPEST:
                continue
            try:
                with opened_folder(root, path) as folder:
                    self._add_one(notices, folder, path)
                    waiting.extend(joined(path, name) for name in self._below(root, folder, path))
            except (CodeLabError, FileNotFoundError):
                continue  # It is gone again, or may not be opened: then nobody is shown it.
            except OSError as error:
                self._is_full = _explained(error)

    def _add_git(self, root: int, notices: Inotify) -> None:
        try:
            with opened_folder(root, _GIT) as folder:
                self._add_one(notices, folder, _GIT)
        except CodeLabError:
            return  # There is no repository, or it lies elsewhere.
        except OSError as error:
            self._is_full = _explained(error)

    def _add_one(self, notices: Inotify, folder: int, path: str) -> None:
        if len(self._watches) >= _MOST_FOLDERS:
            raise OSError(errno.ENOSPC, "too many")
        watch = notices.add(folder)
        # It may be known by a name that it had before notices were lost.
        self._forget(watch)
        self._paths[watch] = path
        self._watches[path] = watch

    def _below(self, root: int, folder: int, path: str) -> list[str]:
        belongs = self._rules.within(root, "" if path == ROOT else path)
        with os.scandir(folder) as scan:
            return [
                item.name
                for item in scan
                if item.is_dir(follow_symlinks=False) and belongs(item.name, is_folder=True)
            ]

    def _drop(self, notices: Inotify, path: str) -> None:
        beneath = f"{path}/"
        for known in [one for one in self._watches if one == path or one.startswith(beneath)]:
            notices.remove(self._watches[known])
            self._forget(self._watches[known])

    def _forget(self, watch: int) -> None:
        path = self._paths.pop(watch, None)
        # Its name may be another folder's by now.
        if path is not None and self._watches.get(path) == watch:
            del self._watches[path]

    def _report(self, changes: FileChanges) -> None:
        if not self._stopped.is_set():
            self._tell(changes)

    def _give_up(self, reason: str) -> None:
        self._report(FileChanges(more=True, watching=False, reason=reason))


class _Batch:
    """What comes to light within a moment."""

    def __init__(self) -> None:
        self.more = False
        self.git = False
        self._paths: dict[str, None] = {}
        self._folders: dict[str, None] = {}

    def add(self, folder: str, path: str, *, came_or_gone: bool) -> None:
        self._paths[_shown(path)] = None
        if came_or_gone:
            self._folders[_shown(folder)] = None

    def changes(self) -> FileChanges | None:
        if not (self._paths or self.more or self.git):
            return None
        paths, folders = tuple(self._paths), tuple(self._folders)
        return FileChanges(
            paths=paths[:MOST_PATHS],
            folders=folders[:MOST_PATHS],
            more=self.more or len(paths) > MOST_PATHS or len(folders) > MOST_PATHS,
            git=self.git,
        )


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _explained(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE):
        return (
            "There are more folders than this machine watches. An administrator can raise "
            "fs.inotify.max_user_watches and fs.inotify.max_user_instances."
        )
    return f"Watching failed ({os.strerror(error.errno or 0)})."
