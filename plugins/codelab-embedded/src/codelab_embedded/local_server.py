"""The model's server: started when it is first needed, stopped when nobody has for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from codelab_embedded import installed
from codelab_embedded.errors import NotRunning

CONTEXT_TOKENS = 8192
OUTPUT_TOKENS = 512
TEMPERATURE = 0.2

_PROGRAM = Path(__file__).with_name("serve.py")
_START_S = 60.0
_IDLE_S = 300.0


class Address(msgspec.Struct, frozen=True):
    """Where the server listens, and the key that it wants."""

    url: str
    api_key: str


class _Listening(msgspec.Struct, frozen=True):
    url: str


class _Running(msgspec.Struct, frozen=True):
    process: Process
    address: Address


class LocalServer:
    """Runs the server in a process of its own while somebody needs it.

    Args:
        idle_s: How long it stays when nobody does.
    """

    def __init__(self, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._start: asyncio.Task[_Running] | None = None
        self._users = 0
        self._stopping: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        running = _result(self._start)
        return running.process.pid if running else None

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[Address]:
        """Lend the server's address; starts the server, or waits for a start that is under way.

        Raises:
            NotInstalled: Something is missing; says what to install.
            NotRunning: It does not start.
        """
        self._users += 1
        if self._stopping is not None:
            self._stopping.cancel()
        try:
            if self._start is None or (self._start.done() and not _result(self._start)):
                self._start = asyncio.create_task(_start())
                # Whoever waited may have gone.
                self._start.add_done_callback(_result)
            # A caller who gives up does not take the others' server along.
            running = await asyncio.shield(self._start)
            yield running.address
        finally:
            self._users -= 1
            if not self._users:
                loop = asyncio.get_running_loop()
                self._stopping = loop.call_later(self._idle_s, self._stop)

    async def close(self) -> None:
        """Stop the server and wait until it is gone."""
        if self._stopping is not None:
            self._stopping.cancel()
        start = self._stop()
        if start is not None:
            await asyncio.wait([start])
            if running := _result(start, dead=True):
                await running.process.wait()

    def _stop(self) -> asyncio.Task[_Running] | None:
        start, self._start = self._start, None
        if start is not None:
            start.cancel()
            if running := _result(start):
                running.process.kill()
        return start


def _result(start: asyncio.Task[_Running] | None, *, dead: bool = False) -> _Running | None:
    """Return what a start has led to, if it is over and the process lives (or is wanted dead)."""
    if start is None or not start.done() or start.cancelled() or start.exception():
        return None
    running = start.result()
    return running if dead or running.process.returncode is None else None


async def _start() -> _Running:
    api_key = secrets.token_urlsafe(32)
    wanted: dict[str, str | int | float] = {
        "weights": str(installed.weights()),
        "api_key": api_key,
        "context_tokens": CONTEXT_TOKENS,
        "output_tokens": OUTPUT_TOKENS,
        "temperature": TEMPERATURE,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(_PROGRAM)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        # None of the server's own secrets, and no module from the folder it was started in.
        env={"PATH": os.defpath, "PYTHONPATH": str(installed.program_folder())},
        # Ctrl-C in the terminal is for the server.
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_START_S):
            url = await _listening(process, wanted)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError | OSError | msgspec.MsgspecError):
            raise NotRunning("The trial model does not start on this machine.") from error
        raise
    return _Running(process, Address(url, api_key))


async def _listening(process: Process, wanted: dict[str, str | int | float]) -> str:
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipes")
    process.stdin.write(msgspec.json.encode(wanted) + b"\n")
    return msgspec.json.decode(await process.stdout.readline(), type=_Listening).url
