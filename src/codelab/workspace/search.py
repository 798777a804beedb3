"""Finds lines with ripgrep: linear-time patterns, bounded results, nothing that is excluded."""

from __future__ import annotations

import asyncio
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, files
from itertools import groupby, islice
from pathlib import Path

import msgspec

from codelab.sdk.workspace import FurtherMatches, Match, Matches
from codelab.workspace.diffs import reveal
from codelab.workspace.errors import PatternInvalid, SearchFailed
from codelab.workspace.rules import EXCLUDED
from codelab.workspace.sandbox.box import Access
from codelab.workspace.sandbox.output import Transcript
from codelab.workspace.sandbox.sandbox import Ended, Sandbox

MOST_MATCHES = 200

_LONGEST_S = 10.0
_LONGEST_PATTERN = 1000
_LONGEST_GLOB = 200
_MOST_OUTPUT = 1_000_000
_CHUNK = 65_536
_LINE = re.compile(r"(?:\./)?([^\0\n]+)\0(\d+):(.*)")
_FAILED = 2
_MOST_IN_FILE = 100
# A line is held whole, however long it is.
_MEMORY_MB = 512
# Where no box bounds it; asking for each file's size costs a search a quarter of its time.
_LARGEST_UNBOXED = "10M"
_ENDED_BY_ITSELF = (0, 1, 2)
# Of each file at least, where not all matches have room: others are to be seen too.
_SHOWN_IN_FILE = 20
_MOST_FURTHER = 200
_OPTIONS = (
    *("--no-config", "--no-messages", "--one-file-system", "--engine", "default"),
    *("--color", "never", "--no-heading", "--with-filename", "--line-number", "--null"),
    *("--no-ignore-global", "--no-ignore-parent", "--no-ignore-dot", "--no-require-git"),
    *("--max-count", str(_MOST_IN_FILE), "--max-columns", "400"),
    *("--max-columns-preview", "--regex-size-limit", "10M", "--dfa-size-limit", "20M"),
)


class Found(msgspec.Struct, frozen=True):
    """What ripgrep printed, not read yet."""

    ended: Ended
    text: str
    truncated: bool


async def find(
    sandbox: Sandbox,
    root: Path,
    pattern: str,
    path: str,
    *,
    shows_hidden: bool,
    glob: str = "",
    ignore_case: bool = False,
) -> Found:
    """Run ripgrep.

    It runs in the box, where that works: there, no link that is moved about leads outside.

    Args:
        sandbox: Where it runs.
        root: The workspace.
        pattern: A regular expression in ripgrep's own, linear-time syntax.
        path: The file or folder to search, links already followed.
        shows_hidden: Whether hidden files are searched.
        glob: Only files whose names fit; empty for all.
        ignore_case: Whether capital and small letters are the same.

    Raises:
        PatternInvalid: The pattern is empty or too long, or the glob is.
        SearchFailed: ripgrep is missing.
    """
    if not pattern or len(pattern) > _LONGEST_PATTERN or "\0" in pattern:
        raise PatternInvalid("The pattern is empty, too long or holds a NUL.", field="pattern")
    if len(glob) > _LONGEST_GLOB or "\0" in glob:
        raise PatternInvalid("The glob is too long or holds a NUL.", field="glob")
    command = [*_OPTIONS, *(["--hidden"] if shows_hidden else [])]
    command += ["--ignore-case"] if ignore_case else []
    # Before the exclusions: of several globs the last one counts.
    command += [f"--glob={glob}"] if glob else []
    for excluded in EXCLUDED:
        command += ["--glob", f"!{excluded}"]
    command += ["--regexp", pattern, "--", path]
    transcript = Transcript(head=_MOST_OUTPUT, tail=0)
    if (await sandbox.standing()).layer == "none":
        ended = await _execute_unboxed(root, command, transcript)
    else:
        program = _program()
        ended = await sandbox.execute(
            root,
            [str(program), *command],
            access=Access.READ,
            timeout_s=_LONGEST_S,
            transcript=transcript,
            read_only=(program,),
            memory_mb=_MEMORY_MB,
        )
    return Found(ended, transcript.text(), transcript.truncated)


def gather(found: Found, lists: Callable[[str], bool]) -> Matches:
    """Read what ripgrep printed, without the files that do not belong into the results.

    Raises:
        PatternInvalid: ripgrep did not understand the pattern.
        SearchFailed: It took too long, or too much memory.
    """
    ended = found.ended
    is_broken_off = bool(ended.stopped) or ended.exit_code not in _ENDED_BY_ITSELF
    matches = sorted(_matches(found.text.split("\n")), key=lambda match: (match.path, match.line))
    if is_broken_off and not matches:
        raise SearchFailed(
            "The search took too long, or too much memory. Search a smaller folder or a simpler "
            "pattern."
        )
    if ended.exit_code == _FAILED and not matches and found.text.strip():
        raise PatternInvalid(
            f"The pattern is not valid: {reveal(found.text.strip())[:600]}", field="pattern"
        )
    counts = Counter(match.path for match in matches)
    listed = {path: count for path, count in counts.items() if lists(path)}
    shown = _selected([match for match in matches if match.path in listed])
    left = Counter(listed)
    left.subtract(Counter(match.path for match in shown))
    further = [FurtherMatches(path=path, count=left[path]) for path in listed if left[path]]
    # ripgrep stops in a file without saying so.
    is_cut = bool(further) or max(listed.values(), default=0) >= _MOST_IN_FILE
    return Matches(
        matches=tuple(shown),
        truncated=is_cut or found.truncated or is_broken_off,
        further=tuple(further[:_MOST_FURTHER]),
    )


def _selected(matches: list[Match]) -> list[Match]:
    if len(matches) <= MOST_MATCHES:
        return matches
    counts = Counter(match.path for match in matches).values()
    each = next(
        each
        for each in range(_SHOWN_IN_FILE, MOST_MATCHES + 1)
        if each == MOST_MATCHES or sum(min(each, count) for count in counts) >= MOST_MATCHES
    )
    by_file = groupby(matches, key=lambda match: match.path)
    first = [match for _, inside in by_file for match in islice(inside, each)]
    return first[:MOST_MATCHES]


def _matches(lines: Iterable[str]) -> Iterable[Match]:
    for line in lines:
        if parsed := _LINE.fullmatch(line):
            path, number, text = parsed.groups()
            yield Match(path=path, line=int(number), text=text.rstrip("\r"))


async def _execute_unboxed(root: Path, command: list[str], transcript: Transcript) -> Ended:
    # Without boxes there are no commands either, so nobody moves links about meanwhile.
    process = await asyncio.create_subprocess_exec(
        str(_program()),
        *("--max-filesize", _LARGEST_UNBOXED),
        *command,
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
