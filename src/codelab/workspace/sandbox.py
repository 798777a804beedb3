"""Runs programs in a box of bubblewrap's, and ends them wholly."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from codelab.kit.clock import monotonic_ms
from codelab.sdk.workspace import CommandResult, OnOutput
from codelab.workspace import seccomp
from codelab.workspace.box import CHANGES_FILES, Access, Box, arguments, environment, lacks_git
from codelab.workspace.diffs import reveal
from codelab.workspace.egress.gateway import Gateway, gateway
from codelab.workspace.egress.reach import NETWORK_LAYER, NOWHERE, Reach
from codelab.workspace.errors import CommandRefused, SandboxUnavailable
from codelab.workspace.output import Transcript
from codelab.workspace.process_cap import Admit, process_cap
from codelab.workspace.processes import children_of, kill_box, use_of
from codelab.workspace.settings import WorkspaceSettings

LONGEST_S = 600.0

_CHUNK = 65_536
_MOST_OUTPUT = 64_000_000
_WATCHED_EVERY_S = 0.05
_CROWD = 50
_CROWD_WATCHED_EVERY_S = 0.01
_END_WITHIN_S = 2.0
_KILLED = -9
_READY = b"\n"
_PROBE_S = 10.0
_ALTERNATIVES = ("/usr/bin/bwrap", "/usr/local/bin/bwrap")

_log = structlog.get_logger(__name__)

Layer = Literal["bubblewrap", "none"]


class Standing(msgspec.Struct, frozen=True):
    """Which layer keeps commands in a box here; without one, `reason` says why."""

    layer: Layer
    reason: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended, why it was killed if it was, and which destinations it was refused."""

    exit_code: int
    stopped: str
    duration_ms: int
    refused: tuple[str, ...] = ()


class Sandbox:
    """Builds boxes around workspaces and runs programs in them.

    Args:
        settings: What is visible and how much may be used.
    """

    def __init__(self, settings: WorkspaceSettings) -> None:
        self.networks = settings.networks
        self._settings = settings
        hidden = (settings.data_dir, *settings.hidden_paths)
        self._hidden = tuple(path.resolve() for path in hidden)
        self._program = shutil.which("bwrap") or next(
            (path for path in _ALTERNATIVES if Path(path).exists()), ""
        )
        self._turns = asyncio.Semaphore(settings.commands_at_once)
        self._masked: Counter[Path] = Counter()
        self._standing: Standing | None = None
        self._probing = asyncio.Lock()

    async def standing(self) -> Standing:
        """Find out, once, whether programs can be kept in a box on this machine."""
        async with self._probing:
            if self._standing is None:
                self._standing = await self._probe()
                _log.info(
                    "sandbox_probed", layer=self._standing.layer, reason=self._standing.reason
                )
        return self._standing

    async def run(
        self,
        root: Path,
        command: Sequence[str],
        *,
        access: Access,
        timeout_s: float,
        on_output: OnOutput | None = None,
        reach: Reach = NOWHERE,
    ) -> CommandResult:
        """Run a program in the workspace.

        Raises:
            CommandRefused: The time limit is out of bounds.
            SandboxUnavailable: Nothing here can keep the program in a box.
        """
        if not 0 < timeout_s <= LONGEST_S:
            raise CommandRefused(
                f"The time limit must be between 1 and {LONGEST_S:.0f} seconds.", field="timeout_s"
            )
        transcript = Transcript(on_output)
        ended = await self.execute(
            root, command, access=access, timeout_s=timeout_s, transcript=transcript, reach=reach
        )
        output = transcript.text()
        output += "".join(f"\n[network: {sentence}]" for sentence in ended.refused)
        if ended.stopped:
            output += f"\n[stopped: {ended.stopped}]"
        return CommandResult(
            exit_code=ended.exit_code,
            output=output,
            truncated=transcript.truncated,
            timed_out=ended.stopped.startswith("time"),
            duration_ms=ended.duration_ms,
        )

    async def execute(
        self,
        root: Path,
        command: Sequence[str],
        *,
        access: Access,
        timeout_s: float,
        transcript: Transcript,
        read_only: tuple[Path, ...] = (),
        writable: tuple[Path, ...] = (),
        reach: Reach = NOWHERE,
    ) -> Ended:
        """Run a program whose output somebody else reads.

        Args:
            root: The workspace.
            command: The program and its arguments.
            access: What may be changed in the workspace.
            timeout_s: After how many seconds it is stopped.
            transcript: Takes what it prints.
            read_only: Further files and folders that it sees.
            writable: Further folders that it may change.
            reach: What of the network it may reach, and what it needs for that.

        Raises:
            SandboxUnavailable: Nothing here can keep the program in a box.
        """
        standing = await self.standing()
        if standing.layer == "none":
            raise SandboxUnavailable(f"Commands are off because {standing.reason}.")
        if reach.network and standing.layer != NETWORK_LAYER:
            raise SandboxUnavailable(f"Network is given to boxes of {NETWORK_LAYER} only.")
        settings = self._settings
        async with self._turns:
            with self._git_kept_away(root, access) as masks_git:
                box = Box(
                    root=root,
                    access=access,
                    read_only=(*settings.extra_read_only, *read_only),
                    writable=writable,
                    hidden=self._hidden,
                    caps=settings.caps,
                    masks_git=masks_git,
                    reach=reach,
                )
                return await self._execute(box, command, timeout_s, transcript)

    async def _execute(
        self, box: Box, command: Sequence[str], timeout_s: float, transcript: Transcript
    ) -> Ended:
        with process_cap(box.caps.processes) as admit:
            async with gateway(box.reach.network) as way:
                return await self._run(box, command, timeout_s, transcript, admit, way)

    async def _run(
        self,
        box: Box,
        command: Sequence[str],
        timeout_s: float,
        transcript: Transcript,
        admit: Admit,
        way: Gateway,
    ) -> Ended:
        started = time.monotonic()
        process = await self._start(box, command)
        running = _Running(process, transcript)
        timer = asyncio.get_running_loop().call_later(
            timeout_s, running.stop, f"time limit of {timeout_s:g} s reached"
        )
        watch = asyncio.create_task(self._watch(running, box))
        try:
            await running.go(admit, way)
            await running.read()
            await process.wait()
        finally:
            timer.cancel()
            watch.cancel()
            if process.returncode is None:
                await self._end(running)
        return Ended(
            exit_code=_KILLED if running.stopped else process.returncode or 0,
            stopped=running.stopped,
            duration_ms=monotonic_ms(started),
            refused=way.refused,
        )

    async def _start(self, box: Box, command: Sequence[str]) -> asyncio.subprocess.Process:
        filtering = seccomp.open_filter() if seccomp.available() else None
        try:
            return await self._start_filtered(box, command, filtering)
        finally:
            if filtering is not None:
                os.close(filtering)

    async def _start_filtered(
        self, box: Box, command: Sequence[str], filtering: int | None
    ) -> asyncio.subprocess.Process:
        words = [self._program, *arguments(box, command, filtering)]
        # The environment is given at exec: what bubblewrap itself was given is readable inside.
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment(box),
                cwd="/",
                start_new_session=True,
                pass_fds=() if filtering is None else (filtering,),
            )
        )
        try:
            return await asyncio.shield(starting)
        except OSError as error:
            raise SandboxUnavailable(f"The box could not be started ({error.strerror}).") from None
        except asyncio.CancelledError:
            # Only a whole start can be undone wholly.
            process = await starting
            await self._end(_Running(process, Transcript()))
            raise

    async def _end(self, running: _Running) -> None:
        running.stop("cancelled")
        with suppress(TimeoutError):
            await asyncio.wait_for(running.end(), _END_WITHIN_S)

    async def _watch(self, running: _Running, box: Box) -> None:
        # The system's own limits are per process, and do not count for root at all. This stays in
        # the event loop's thread: where there are too many processes, no thread can be started.
        caps, processes, room_mb = box.caps, 1, _room_mb(box.root)
        while not running.stopped:
            is_crowd = processes > _CROWD
            await asyncio.sleep(_CROWD_WATCHED_EVERY_S if is_crowd else _WATCHED_EVERY_S)
            use = use_of(running.process.pid, caps.processes)
            processes = use.processes
            # Where a control group bounds them there are never more than that.
            if processes >= caps.processes:
                running.stop(f"{caps.processes} processes or more")
            elif use.memory > caps.memory_mb * 1_000_000:
                running.stop(f"more than {caps.memory_mb} MB of memory")
            elif room_mb - _room_mb(box.root) > caps.disk_mb:
                running.stop(f"the disk has {caps.disk_mb} MB less than at the start")

    @contextmanager
    def _git_kept_away(self, root: Path, access: Access) -> Iterator[bool]:
        """Keep git's folder from being made where there is none, and leave no trace of that."""
        masks = access in CHANGES_FILES and (self._masked[root] > 0 or lacks_git(root))
        if not masks:
            yield False
            return
        self._masked[root] += 1
        try:
            yield True
        finally:
            self._masked[root] -= 1
            if not self._masked[root]:
                del self._masked[root]
                with suppress(OSError):
                    (root / ".git").rmdir()

    async def _probe(self) -> Standing:
        if self._settings.sandbox == "none":
            return Standing("none", "the administrator switched them off (CODELAB_SANDBOX)")
        if not self._program:
            return Standing(
                "none",
                "bubblewrap is not installed (on Debian and Ubuntu: apt-get install bubblewrap)",
            )
        transcript = Transcript()
        with tempfile.TemporaryDirectory(prefix="codelab-probe-") as folder:
            box = Box(root=Path(folder), access=Access.READ, caps=self._settings.caps)
            try:
                ended = await self._execute(box, ["true"], _PROBE_S, transcript)
            except SandboxUnavailable:
                return Standing("none", _refusal(transcript.text()))
        if ended.exit_code == 0:
            return Standing("bubblewrap")
        return Standing("none", _refusal(transcript.text()))


class _Running:
    """A program that runs: its output is read to the end, also after it was stopped."""

    def __init__(self, process: asyncio.subprocess.Process, transcript: Transcript) -> None:
        self.process = process
        self.stopped = ""
        self._transcript = transcript

    def stop(self, reason: str) -> None:
        """Kill the box, once."""
        if not self.stopped and self.process.returncode is None:
            self.stopped = reason
            kill_box(self.process.pid)

    async def go(self, admit: Admit, way: Gateway) -> None:
        """Wait until the box is built and let the program start.

        Args:
            admit: Puts the box's processes under their common bound.
            way: Its way into the network, if it has one.

        Raises:
            SandboxUnavailable: The box could not be built.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise SandboxUnavailable("The box has no way in or out.")
        ready = await stdout.read(1)
        if ready != _READY:
            # What comes instead is bubblewrap's complaint.
            self._transcript.feed(ready)
            await self.read()
            if not self.stopped:
                complaint = _first_line(self._transcript.text())
                raise SandboxUnavailable(f"The box could not be built: {complaint}")
            return
        for member in (self.process.pid, *children_of(self.process.pid)):
            admit(member)
        await way.open(self.process.pid)
        stdin.write(_READY)
        stdin.close()

    async def read(self) -> None:
        """Take output until nobody in the box can write any more."""
        stream = self.process.stdout
        while stream and (chunk := await stream.read(_CHUNK)):
            if self._transcript.received <= _MOST_OUTPUT:
                self._transcript.feed(chunk)
            else:
                self.stop(f"more than {_MOST_OUTPUT // 1_000_000} MB of output")
        self._transcript.feed(b"", final=True)

    async def end(self) -> None:
        """Wait for the end of a stopped program without keeping what it still wrote."""
        if self.process.stdin:
            self.process.stdin.close()
        stream = self.process.stdout
        while stream and await stream.read(_CHUNK):
            pass
        await self.process.wait()


def _room_mb(folder: Path) -> float:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize / 1_000_000


def _refusal(text: str) -> str:
    if "Unknown option" in text:
        return "bubblewrap is older than version 0.8"
    return (
        "this system does not let bubblewrap build a box "
        f"(user namespaces may be forbidden): {_first_line(text)}"
    )


def _first_line(text: str) -> str:
    return reveal(text.partition("\n")[0])[:200]
