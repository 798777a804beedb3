"""A program that runs in a box: how it is let go, watched, read and ended."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codelab.workspace.diffs import reveal
from codelab.workspace.egress.gateway import Gateway
from codelab.workspace.errors import SandboxUnavailable
from codelab.workspace.sandbox.box import Caps
from codelab.workspace.sandbox.confinement.tree import children_of, kill_descendants
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.process_cap import Admit
from codelab.workspace.sandbox.processes import let_go_first, shared_memory, use_of

_CHUNK = 65_536
_MOST_OUTPUT = 64_000_000
_WATCHED_EVERY_S = 0.05
_CROWD = 50
_CROWD_WATCHED_EVERY_S = 0.01
_ROOM_FROM_S = 600.0
_END_WITHIN_S = 2.0
_READY = b"\n"
_MB = 1_000_000


class Running:
    """A program that runs: its output is read to the end, also after it was stopped.

    Args:
        process: What was started.
        transcript: Takes the output.
        kill: Ends everything in the box, told the process that was started; its input was closed.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        transcript: Transcript,
        kill: Callable[[int], object],
    ) -> None:
        self.process = process
        self.stopped = ""
        self._transcript = transcript
        self._kill = kill

    def stop(self, reason: str) -> None:
        """Kill the box, once."""
        if not self.stopped and self.process.returncode is None:
            self.stopped = reason
            if self.process.stdin:
                self.process.stdin.close()
            self._kill(self.process.pid)

    @contextmanager
    def bounded(self, time_s: float | None) -> Iterator[None]:
        """Stop it when it takes longer; none: it may take as long as it likes."""
        if time_s is None:
            yield
            return
        reason = f"time limit of {time_s:g} s reached"
        timer = asyncio.get_running_loop().call_later(time_s, self.stop, reason)
        try:
            yield
        finally:
            timer.cancel()

    async def go(self, admit: Admit, is_sound: Callable[[int], bool], way: Gateway) -> None:
        """Wait until the box is built and let the program start.

        Args:
            admit: Puts the box's processes under their common bound.
            is_sound: Looks at the first process in the box.
            way: Its way into the network, if it has one.

        Raises:
            SandboxUnavailable: The box could not be built.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise SandboxUnavailable("The box has no way in or out.")
        ready = await stdout.read(1)
        if ready != _READY:
            # What comes instead is a complaint.
            self._transcript.feed(ready)
            await self.read()
            if not self.stopped:
                complaint = first_line(self._transcript.text())
                raise SandboxUnavailable(f"The box could not be built: {complaint}")
            return
        inner = children_of(self.process.pid)
        if not all(map(is_sound, inner)):
            raise SandboxUnavailable("The project was changed while the box was built. Try again.")
        for member in (self.process.pid, *inner):
            admit(member)
        await way.open(self.process.pid)
        for first in inner:
            let_go_first(first)
        # It stays open: its end tells the box that the server is gone.
        if not self.stopped:
            stdin.write(_READY)

    async def read(self) -> None:
        """Take output until nobody in the box can write any more."""
        stream = self.process.stdout
        while stream and (chunk := await stream.read(_CHUNK)):
            if self._transcript.received <= _MOST_OUTPUT:
                self._transcript.feed(chunk)
            else:
                self.stop(f"more than {_MOST_OUTPUT // _MB} MB of output")
        self._transcript.feed(b"", final=True)

    async def watch(self, caps: Caps, root: Path) -> None:
        """Stop the box when it holds too much.

        The system's own limits are per process, and do not count for root at all. This stays in
        the event loop's thread: where there are too many processes, no thread can be started.
        """
        processes, room_mb, shared = 1, _room_mb(root), shared_memory()
        measured = time.monotonic()
        while not self.stopped:
            if time.monotonic() - measured > _ROOM_FROM_S:
                # In hours others fill the disk too, and that is nothing to stop this one for.
                room_mb, measured = _room_mb(root), time.monotonic()
            is_crowd = processes > _CROWD
            await asyncio.sleep(_CROWD_WATCHED_EVERY_S if is_crowd else _WATCHED_EVERY_S)
            use = use_of(self.process.pid, caps.processes)
            processes = use.processes
            # Memory that has a name and no process is in nobody's figures but the machine's.
            memory = max(use.memory, shared_memory() - shared)
            # Where a control group bounds them there are never more than that.
            if processes >= caps.processes:
                self.stop(f"{caps.processes} processes or more")
            elif memory > caps.memory_mb * _MB:
                self.stop(f"more than {caps.memory_mb} MB of memory")
            elif room_mb - _room_mb(root) > caps.disk_mb:
                self.stop(f"the disk has {caps.disk_mb} MB less than before")

    async def end(self) -> None:
        """Stop the program and wait for its end, without keeping what it still writes."""
        self.stop("cancelled")
        if not await self._ended():
            kill_descendants(self.process.pid)
            if await self._ended():
                return  # What clears up after the box must not be killed while it does.
            with suppress(ProcessLookupError):
                self.process.kill()
            await self._ended()

    async def _ended(self) -> bool:
        try:
            await asyncio.wait_for(self._drain(), _END_WITHIN_S)
        except TimeoutError:
            return False
        return True

    async def _drain(self) -> None:
        stream = self.process.stdout
        while stream and await stream.read(_CHUNK):
            pass
        await self.process.wait()


def first_line(text: str) -> str:
    """Return the beginning of a complaint, with nothing in it that a terminal obeys."""
    return reveal(text.strip().partition("\n")[0])[:200]


def _room_mb(folder: Path) -> float:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize / _MB
