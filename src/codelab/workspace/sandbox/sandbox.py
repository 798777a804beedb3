"""Runs programs in boxes, and ends them wholly."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import structlog

from codelab.kit.clock import monotonic_ms
from codelab.sdk.workspace import CommandResult, OnOutput
from codelab.workspace.egress.gateway import gateway
from codelab.workspace.egress.reach import NETWORK_LAYER, NOWHERE, Reach
from codelab.workspace.errors import CommandRefused, SandboxUnavailable
from codelab.workspace.sandbox.box import CHANGES_FILES, Access, Box
from codelab.workspace.sandbox.guarded import Guarded
from codelab.workspace.sandbox.guarded import find as find_guarded
from codelab.workspace.sandbox.layers import Layer, Start, clear_scratch
from codelab.workspace.sandbox.masks import Masks
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.process_cap import process_cap
from codelab.workspace.sandbox.running import Running
from codelab.workspace.sandbox.standing import Standing, candidates, refusal
from codelab.workspace.settings import WorkspaceSettings

LONGEST_S = 600.0

_KILLED = -9
_PROBE_S = 10.0
_NOBODY = 65_534

_log = structlog.get_logger(__name__)


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
        self._turns = asyncio.Semaphore(settings.commands_at_once)
        self._masks = Masks()
        self._layer: Layer | None = None
        self._standing: Standing | None = None
        self._probing = asyncio.Lock()

    async def standing(self) -> Standing:
        """Find out, once, whether programs can be kept in a box on this machine."""
        async with self._probing:
            if self._standing is None:
                self._layer, self._standing = await self._probe()
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
        memory_mb: int | None = None,
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
            memory_mb: How much memory it may hold, if that is less than others may.

        Raises:
            SandboxUnavailable: Nothing here can keep the program in a box.
        """
        layer = await self._chosen(reach)
        settings = self._settings
        caps = settings.caps
        if memory_mb is not None:
            caps = msgspec.structs.replace(caps, memory_mb=min(memory_mb, caps.memory_mb))
        found = Guarded()
        if access is Access.WORK:
            found = await asyncio.to_thread(find_guarded, root, settings.guarded)
        git = (root / ".git",) if access in CHANGES_FILES else ()
        async with self._turns:
            with self._masks.over((*git, *found.absent)) as absent:
                box = Box(
                    root=root,
                    access=access,
                    read_only=(*settings.extra_read_only, *read_only),
                    writable=writable,
                    hidden=self._hidden,
                    caps=caps,
                    guarded=(*found.present, *found.repositories),
                    absent=absent,
                    reach=reach,
                )
                return await self._execute(layer, box, command, transcript, timeout_s)

    async def attend(
        self,
        root: Path,
        command: Sequence[str],
        *,
        terminal: str,
        on_start: Callable[[], None],
        reach: Reach = NOWHERE,
    ) -> Ended:
        """Run a program at which a human sits, for as long as they like.

        What is guarded is kept as it is where it exists. Nothing stands in the place of what is
        missing: it would stand there for hours, in the way of the same human's editor.

        Args:
            root: The workspace.
            command: The program and its arguments.
            terminal: The terminal's place.
            on_start: Told when the box is built and the program is let go.
            reach: What of the network it may reach, and what it needs for that.

        Raises:
            SandboxUnavailable: Nothing here can keep the program in a box.
        """
        layer = await self._chosen(reach)
        found = await asyncio.to_thread(find_guarded, root, self._settings.guarded)
        box = Box(
            root=root,
            access=Access.COMMIT,
            read_only=self._settings.extra_read_only,
            hidden=self._hidden,
            caps=self._settings.caps,
            guarded=(*found.present, *found.repositories),
            reach=reach,
            terminal=terminal,
        )
        return await self._execute(layer, box, command, Transcript(), on_start=on_start)

    async def _chosen(self, reach: Reach) -> Layer:
        standing = await self.standing()
        if self._layer is None:
            raise SandboxUnavailable(standing.sentence())
        if reach.network and standing.layer != NETWORK_LAYER:
            raise SandboxUnavailable(f"Network is given to boxes of {NETWORK_LAYER} only.")
        return self._layer

    async def _execute(
        self,
        layer: Layer,
        box: Box,
        command: Sequence[str],
        transcript: Transcript,
        timeout_s: float | None = None,
        on_start: Callable[[], None] = lambda: None,
    ) -> Ended:
        async with AsyncExitStack() as held:
            start = held.enter_context(layer.prepared(box, command))
            admit = held.enter_context(process_cap(box.caps.processes))
            way = await held.enter_async_context(gateway(box.reach.network))
            started = time.monotonic()
            running = await self._start(start, transcript)
            process = running.process
            watch = asyncio.create_task(running.watch(box.caps, box.root))
            try:
                with running.bounded(timeout_s):
                    await running.go(admit, start.is_sound, way)
                    on_start()
                    await running.read()
                    await process.wait()
            finally:
                watch.cancel()
                if process.returncode is None:
                    await running.end()
            return Ended(
                exit_code=_KILLED if running.stopped else process.returncode or 0,
                stopped=running.stopped,
                duration_ms=monotonic_ms(started),
                refused=way.refused,
            )

    async def _start(self, start: Start, transcript: Transcript) -> Running:
        # The environment is given at exec: what the first program was given is readable inside.
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *start.words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=start.environment,
                cwd="/",
                start_new_session=True,
                pass_fds=start.descriptors,
            )
        )
        try:
            return Running(await asyncio.shield(starting), transcript, start.kill)
        except OSError as error:
            raise SandboxUnavailable(f"The box could not be started ({error.strerror}).") from None
        except asyncio.CancelledError:
            # Only a whole start can be undone wholly.
            await Running(await starting, Transcript(), start.kill).end()
            raise

    async def _probe(self) -> tuple[Layer | None, Standing]:
        await asyncio.to_thread(clear_scratch, time.time())
        reasons: list[str] = []
        for layer in candidates(self._settings):
            reason = layer if isinstance(layer, str) else await self._complaint_of(layer)
            if not isinstance(layer, str) and not reason:
                return layer, Standing(layer.name, "; ".join(reasons))
            reasons.append(reason)
        return None, Standing("none", "; ".join(reasons))

    async def _complaint_of(self, layer: Layer) -> str:
        """Try one box, and return what is wrong with it."""
        transcript = Transcript()
        with tempfile.TemporaryDirectory(prefix="codelab-probe-") as folder:
            box = Box(root=Path(folder), access=Access.READ, caps=self._settings.caps)
            if layer.as_owner and os.geteuid() == 0:
                os.chown(folder, _NOBODY, _NOBODY)
            try:
                ended = await self._execute(layer, box, ["true"], transcript, _PROBE_S)
            except SandboxUnavailable as error:
                return refusal(layer, transcript.text() or error.message)
        return refusal(layer, transcript.text()) if ended.exit_code else ""
