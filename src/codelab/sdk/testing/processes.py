"""Runs a real process and reads what it prints; it is ended with all its children in time."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from codelab.sdk.workspace import CommandResult, OnOutput

_CHUNK = 65_536
_HEAD = _TAIL = 24_000


async def run_process(
    words: Sequence[str], folder: Path, *, timeout_s: float, on_output: OnOutput | None = None
) -> CommandResult:
    """Run a program in a folder with a small environment of its own.

    Args:
        words: The program and its arguments.
        folder: Where it runs.
        timeout_s: After how many seconds it is killed.
        on_output: Takes output while it comes.
    """
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=_environment(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    pieces: list[str] = []
    timed_out = False
    try:
        async with asyncio.timeout(timeout_s):
            await _read(process, pieces, on_output)
            await process.wait()
    except TimeoutError:
        timed_out = True
    finally:
        # Also what it left running in the background.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    text = "".join(pieces)
    return CommandResult(
        exit_code=process.returncode or 0,
        output=_bounded(text),
        truncated=len(text) > _HEAD + _TAIL,
        timed_out=timed_out,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


async def _read(
    process: asyncio.subprocess.Process, pieces: list[str], on_output: OnOutput | None
) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while process.stdout and (chunk := await process.stdout.read(_CHUNK)):
        if text := decoder.decode(chunk):
            pieces.append(text)
            if on_output:
                on_output(text)


def _bounded(text: str) -> str:
    left_out = len(text) - _HEAD - _TAIL
    if left_out <= 0:
        return text
    return f"{text[:_HEAD]}\n… {left_out} characters left out …\n{text[-_TAIL:]}"


def _environment(folder: Path) -> dict[str, str]:
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
    }
