"""Reads a text in a process of its own: a reader that does not come to an end is given up."""

from __future__ import annotations

import asyncio
import sys


async def read_elsewhere(
    module: str, *words: str, text: bytes, within_s: float
) -> tuple[int, bytes]:
    """Run a module as a program that reads the text; return its exit code and what it wrote.

    Raises:
        TimeoutError: It takes too long; it is ended.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(within_s):
            output, _ = await process.communicate(text)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output
