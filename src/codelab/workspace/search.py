"""Finds lines with ripgrep: linear-time patterns, bounded results, nothing that is excluded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby, islice
from pathlib import Path

from codelab.sdk.workspace import FurtherMatches, Match, Matches
from codelab.workspace.diffs import reveal
from codelab.workspace.errors import PatternInvalid, SearchFailed
from codelab.workspace.finding import ripgrep
from codelab.workspace.finding.ripgrep import Found
from codelab.workspace.sandbox.sandbox import Sandbox

MOST_MATCHES = 200

_MOST_OUTPUT = 1_000_000
_LINE = re.compile(r"(?:\./)?([^\0\n]+)\0(\d+):(.*)")
_FAILED = 2
_MOST_IN_FILE = 100
# Of each file at least, where not all matches have room: others are to be seen too.
_SHOWN_IN_FILE = 20
_MOST_FURTHER = 200
_OPTIONS = (
    *ripgrep.PLAIN,
    *ripgrep.LINEAR,
    *("--no-heading", "--with-filename", "--line-number", "--null"),
    *("--max-count", str(_MOST_IN_FILE), "--max-columns", "400", "--max-columns-preview"),
)


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
    ripgrep.check_pattern(pattern)
    ripgrep.check_glob(glob)
    command = [*_OPTIONS, *(["--hidden"] if shows_hidden else [])]
    command += ["--ignore-case"] if ignore_case else []
    # Before the exclusions: of several globs the last one counts.
    command += [f"--glob={glob}"] if glob else []
    command += [*ripgrep.NOTHING_EXCLUDED, "--regexp", pattern, "--", path]
    return await ripgrep.run(sandbox, root, command, most_output=_MOST_OUTPUT)


def gather(found: Found, lists: Callable[[str], bool]) -> Matches:
    """Read what ripgrep printed, without the files that do not belong into the results.

    Raises:
        PatternInvalid: ripgrep did not understand the pattern.
        SearchFailed: It took too long, or too much memory.
    """
    is_broken_off = found.is_broken_off
    matches = sorted(_matches(found.text.split("\n")), key=lambda match: (match.path, match.line))
    if is_broken_off and not matches:
        raise SearchFailed(
            "The search took too long, or too much memory. Search a smaller folder or a simpler "
            "pattern."
        )
    if found.ended.exit_code == _FAILED and not matches and found.text.strip():
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
