"""The process that writes indexes, so that nobody who asks ever waits for it.

It is told what to do by the server over its standard input, answers over its standard output, and
ends with the server, however that one ends. Whatever is killed in the middle goes on where it was:
what is in an index was put there in one step.
"""

from __future__ import annotations

import ctypes
import gc
import os
import queue
import resource
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.retrieval.errors import IndexBroken
from codelab.retrieval.indexing.frames import (
    HEAD,
    Avoid,
    Begin,
    Command,
    Compare,
    Done,
    Forget,
    Look,
    Order,
    Place,
    Progress,
    Reconcile,
    Remember,
    Report,
    Rest,
    Working,
    orders,
    packed,
)
from codelab.retrieval.indexing.updating import Steps, Updating
from codelab.workspace.api import confine_itself

# Of 20, so that it takes what nobody else wants.
_NICENESS = 10
_PR_SET_PDEATHSIG = 1
# In bytes, without the files that are mapped.
_MOST_MEMORY = 2 * 1024**3
_ALLOCATED_BETWEEN_COLLECTIONS = 100_000


class _Job:
    """A command under way."""

    def __init__(self, command: Command, steps: Steps) -> None:
        self.command = command
        self.steps = steps


class Worker:
    """Does what it is told, looks at changed files before anything else.

    Args:
        begin: What holds for all indexes.
        tell: Takes reports.
    """

    def __init__(self, begin: Begin, tell: Callable[[Report], None]) -> None:
        self._begin = begin
        self._tell = tell
        self._open: dict[str, Updating] = {}
        self._urgent: deque[_Job] = deque()
        self._patient: deque[_Job] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self._urgent or self._patient)

    def take(self, command: Order) -> None:
        """Begin what is asked for, or do it at once where it is short."""
        try:
            self._take(command)
        except CodeLabError as error:
            self._fail(command, error)

    def step(self) -> None:
        """Go on for a moment with what is under way."""
        jobs = self._urgent or self._patient
        job = jobs.popleft()
        try:
            next(job.steps)
        except StopIteration as end:
            self._done(job.command, looked_at=end.value)
        except CodeLabError as error:
            self._fail(job.command, error)
        else:
            # In turns, so that a large project holds up no other one.
            jobs.append(job)

    def close(self) -> None:
        """Close all indexes."""
        for job in (*self._urgent, *self._patient):
            job.steps.close()
        for one in self._open.values():
            one.close()

    def _take(self, command: Order) -> None:
        place = command.place
        match command:
            case Reconcile(rebuild=rebuild):
                self._drop_jobs(place)
                updating = self._updating(place)
                if rebuild:
                    updating.renew()
                steps = updating.reconcile(
                    lambda done, of: self._tell(Progress(place.workspace_id, done, of))
                )
                self._patient.append(_Job(command, steps))
            case Look(paths=paths):
                self._urgent.append(_Job(command, self._updating(place).look(paths)))
            case Compare():
                self._done(command, commits=self._updating(place).compare(command))
            case Remember():
                self._updating(place).remember(command)
                self._done(command)
            case Avoid(digest=digest, wholly=wholly):
                self._updating(place).avoid(digest, wholly=wholly)
                self._done(command)
            case Rest():
                jobs = (*self._urgent, *self._patient)
                # Whoever asked for something meanwhile has not had it yet.
                if not any(_is_same(job.command.place, place) for job in jobs):
                    self._close(place)
                self._done(command)
            case Forget():
                self._close(place)
                shutil.rmtree(place.folder, ignore_errors=True)
                self._done(command)

    def _updating(self, place: Place) -> Updating:
        updating = self._open.get(place.workspace_id)
        if updating is None:
            updating = Updating(
                place,
                self._begin.engine,
                self._begin.allowed_hidden,
                lambda digest: self._tell(Working(place, digest)),
            )
            self._open[place.workspace_id] = updating
        return updating

    def _close(self, place: Place) -> None:
        self._drop_jobs(place)
        for job in [one for one in self._urgent if _is_same(one.command.place, place)]:
            self._urgent.remove(job)
            job.steps.close()
            self._done(job.command)
        if updating := self._open.pop(place.workspace_id, None):
            updating.close()

    def _drop_jobs(self, place: Place) -> None:
        """Give up comparing a workspace, because that begins anew or is not wanted any more."""
        for job in [one for one in self._patient if _is_same(one.command.place, place)]:
            self._patient.remove(job)
            job.steps.close()
            self._done(job.command)

    def _done(self, command: Command, *, looked_at: int = 0, commits: int = 0) -> None:
        updating = self._open.get(command.place.workspace_id)
        self._tell(
            Done(
                number=command.number,
                looked_at=looked_at,
                commits=commits,
                built_at=updating.built_at if updating else 0,
                was_broken=updating is not None and updating.was_broken,
            )
        )
        if updating is not None and isinstance(command, Reconcile):
            updating.was_broken = False

    def _fail(self, command: Command, error: CodeLabError) -> None:
        if isinstance(error, IndexBroken):
            # What is under way is given up with it; the next who asks gets a new one.
            with suppress(CodeLabError):
                self._close(command.place)
        self._tell(Done(number=command.number, error=error.code, message=error.message))


def _is_same(one: Place, other: Place) -> bool:
    return one.workspace_id == other.workspace_id


def main() -> None:
    """Serve the server that started this process."""
    os.nice(_NICENESS)
    collect_rarely()
    _end_with_parent()
    # Whoever interrupts a server at a terminal reaches this process too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints must not stand among the frames.
    sys.stdout = sys.stderr
    begin = orders.decode(_read(source))
    if not isinstance(begin, Begin):
        raise SystemExit("This program is started by the server alone.")
    _confine(begin.folder)

    def tell(report: Report) -> None:
        sink.write(packed(report))
        sink.flush()

    worker = Worker(begin, tell)
    waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(source, waiting), daemon=True).start()
    while True:
        while worker.is_idle or not waiting.empty():
            worker.take(waiting.get())
        worker.step()


def collect_rarely() -> None:
    """Have Python look for garbage rarely: what files are taken apart into has no circles."""
    # What was loaded stays.
    gc.freeze()
    gc.set_threshold(_ALLOCATED_BETWEEN_COLLECTIONS)


def _hear(source: BinaryIO, waiting: queue.SimpleQueue[Order]) -> None:
    while True:
        try:
            command = orders.decode(_read(source))
        except (EOFError, msgspec.DecodeError):
            os._exit(0)
        if not isinstance(command, Begin):
            waiting.put(command)


def _read(source: BinaryIO) -> bytes:
    head = source.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    (length,) = HEAD.unpack(head)
    data = source.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _confine(folder: str) -> None:
    """Keep a file that takes over a grammar from all but reading."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    # Where it cannot be made, nothing can be written, which is told when somebody tries.
    with suppress(OSError):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    confine_itself(folder)


def _end_with_parent() -> None:
    """Have the kernel end this process with its parent, also while a grammar holds it up."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
