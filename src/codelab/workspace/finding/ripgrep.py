"""Runs ripgrep over a workspace: in the box where that works, so that no link leads outside."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import msgspec

from codelab.workspace.errors import PatternInvalid, SearchFailed
from codelab.workspace.rules import EXCLUDED
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.sandbox import Ended, Sandbox

_LONGEST_S = 10.0
_LONGEST_PATTERN = 1000
_LONGEST_GLOB = 200
_CHUNK = 65_536
_ENDED_BY_ITSELF = (0, 1, 2)
# A line is held whole, however long it is.
_MEMORY_MB = 512
# Where no box bounds it; asking for each file's size costs a search a quarter of its time.
_LARGEST_UNBOXED = "10M"
# What is ignored is told by the project's own files alone.
PLAIN = (
    *("--no-config", "--no-messages", "--one-file-system", "--color", "never"),
    *("--no-ignore-global", "--no-ignore-parent", "--no-ignore-dot", "--no-require-git"),
)
# Expressions of linear time only.
LINEAR = ("--engine", "default", "--regex-size-limit", "10M", "--dfa-size-limit", "20M")
# After other globs: of several, the last one counts.
NOTHING_EXCLUDED = tuple(f"--glob=!{excluded}" for excluded in EXCLUDED)


class Found(msgspec.Struct, frozen=True):
    """What ripgrep printed, not read yet."""

    ended: Ended
    text: str
    truncated: bool

    @property
    def is_broken_off(self) -> bool:
        """Whether it did not come to its end."""
        return bool(self.ended.stopped) or self.ended.exit_code not in _ENDED_BY_ITSELF


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that cannot be handed to ripgrep.

    Raises:
        PatternInvalid: It is empty, too long or holds a NUL.
    """
    if not pattern or len(pattern) > _LONGEST_PATTERN or "\0" in pattern:
        raise PatternInvalid("The pattern is empty, too long or holds a NUL.", field="pattern")


def check_glob(glob: str) -> None:
    """Refuse a glob that cannot be handed to ripgrep.

    Raises:
        PatternInvalid: It is too long or holds a NUL.
    """
    if len(glob) > _LONGEST_GLOB or "\0" in glob:
        raise PatternInvalid("The glob is too long or holds a NUL.", field="glob")


async def run(sandbox: Sandbox, root: Path, arguments: Sequence[str], *, most_output: int) -> Found:
    """Run ripgrep in a workspace.

    Args:
        sandbox: Where it runs.
        root: The workspace.
        arguments: What it is told.
        most_output: How many characters of its output are kept.

    Raises:
        SearchFailed: ripgrep is missing.
    """
    transcript = Transcript(head=most_output, tail=0)
    if (await sandbox.standing()).layer == "none":
        ended = await _execute_unboxed(root, arguments, transcript)
    else:
        program = _program()
        ended = await sandbox.execute(
            root,
            [str(program), *arguments],
            access=Access.READ,
            timeout_s=_LONGEST_S,
            transcript=transcript,
            read_only=(program,),
            memory_mb=_MEMORY_MB,
        )
    return Found(ended, transcript.text(), transcript.truncated)


async def _execute_unboxed(root: Path, arguments: Sequence[str], transcript: Transcript) -> Ended:
    # Without boxes there are no commands either, so nobody moves links about meanwhile.
    process = await asyncio.create_subprocess_exec(
        str(_program()),
        *("--max-filesize", _LARGEST_UNBOXED),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={},
        cwd=root,
    )
    stopped, is_read = "", False
    try:
        async with asyncio.timeout(_LONGEST_S):
            while process.stdout and (chunk := await process.stdout.read(_CHUNK)):
                transcript.feed(chunk)
        is_read = True
    except TimeoutError:
        stopped = "time limit"
    finally:
        if not is_read:
            process.kill()
            while process.stdout and await process.stdout.read(_CHUNK):
                pass
    return Ended(exit_code=await process.wait(), stopped=stopped, duration_ms=0)


@functools.cache
def _program() -> Path:
    """Find ripgrep where its distribution put it; what the PATH names may be anything."""
    try:
        parts = files("ripgrep") or []
    except PackageNotFoundError:
        parts = []
    for part in parts:
        if part.name in ("rg", "rg.exe"):
            return Path(str(part.locate())).resolve()
    raise SearchFailed("Searching is off because the package ripgrep is not installed.")
