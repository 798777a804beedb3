"""The real bash as a judge of what a line runs: every program is unknown to it and is recorded."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from codelab.hitl.commands.shell import Line

BASH = "/bin/bash"

# Each text is run twice, in a bash of its own: every program works, then every one fails. What is
# recorded holds no newline, since bash would write it in parts, between those of others.
_SCRIPT = r"""
command_not_found_handle() {
    printf '%s\0' "$number" "$#" "${@//$'\n'/$'\1'}" >> "$OUT"
    return "$status"
}
PATH=/nowhere
mapfile -d '' -t texts < "$IN"
for status in 0 1; do
    for place in "${!texts[@]}"; do
        number=$status.$place
        ( eval "${texts[place]}"; wait ) < /dev/null > /dev/null 2>&1
    done
done
"""

# What the texts may happen to name and bash knows.
_BUILTINS = frozenset(("[",))

Ran = Counter[tuple[str, ...]]


def run_in_bash(texts: Sequence[str], folder: Path) -> list[tuple[Ran, Ran]]:
    """Run texts in an empty folder.

    Returns:
        For each text, what ran where every program worked, and where every one failed.
    """
    # Without a slash no program is found, whatever a text names.
    assert not any("/" in text for text in texts)
    given, told = folder / "in", folder / "out"
    given.write_bytes(b"".join(text.encode() + b"\0" for text in texts))
    told.write_bytes(b"")
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    environment = {"IN": str(given), "OUT": str(told), "LC_ALL": os.environ.get("LC_ALL", "C")}
    subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", _SCRIPT],
        cwd=empty,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=50,
    )
    ran: list[tuple[Ran, Ran]] = [(Counter(), Counter()) for _ in texts]
    parts = told.read_bytes().decode("utf-8", "surrogateescape").split("\0")
    at = 0
    while at + 1 < len(parts):
        status, _, place = parts[at].partition(".")
        end = at + 2 + int(parts[at + 1])
        ran[int(place)][int(status)][
            tuple(part.replace("\1", "\n") for part in parts[at + 2 : end])
        ] += 1
        at = end
    return ran


def foretell(line: Line) -> tuple[Ran, Ran]:
    """Say what a line without a doubt runs where all works, and where all fails."""
    return _run(line, skipped_after="||"), _run(line, skipped_after="&&")


def _run(line: Line, skipped_after: str) -> Ran:
    ran: Ran = Counter()
    skips = False
    for program in line.programs:
        if program.joined not in ("|", "|&"):
            skips = program.joined == skipped_after
        words = tuple(word.text for word in program.words)
        if not skips and words[0] not in _BUILTINS:
            ran[words] += 1
    return ran


def mismatches(texts: Iterable[str], lines: Iterable[Line], folder: Path) -> list[str]:
    """Tell which texts, all without a doubt, bash runs otherwise."""
    told = list(texts)
    wrong = []
    for text, line, ran in zip(told, lines, run_in_bash(told, folder), strict=True):
        expected = foretell(line)
        if ran != expected:
            wrong.append(f"{text!r}: bash ran {ran}, not {expected}")
    return wrong
