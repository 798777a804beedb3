"""Listens inside a box's network, from outside: no code of ours runs in the box."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from codelab.workspace.errors import SandboxUnavailable

_SCRIPT = Path(__file__).with_name("enter_namespace.py")
_WITHIN_S = 5.0


async def listen_inside(outer: int, port: int) -> socket.socket:
    """Return a socket that listens at a port of a box's own loopback.

    Args:
        outer: The process outside the box that started it.
        port: The port.

    Raises:
        SandboxUnavailable: The box has no network of its own, or it cannot be entered.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_SCRIPT)),
                *map(str, (outer, theirs.fileno(), port)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={},
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            raise _unavailable(str(error.strerror)) from None
        try:
            async with asyncio.timeout(_WITHIN_S):
                _, complaint = await process.communicate()
        except TimeoutError:
            complaint = b"it took too long"
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise _unavailable(complaint.decode("utf-8", "replace").strip().rpartition("\n")[2])
        _, found, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_DONTWAIT)
        os.set_inheritable(found[0], False)
        return socket.socket(fileno=found[0])


def _unavailable(reason: str) -> SandboxUnavailable:
    return SandboxUnavailable(f"The box's network could not be opened: {reason[:200]}.")
