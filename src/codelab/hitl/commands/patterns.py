"""Holds rules' patterns against what a command line runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from codelab.hitl.commands.wrappers import Command, Step

# Where every word is like this, spaces between them tell them apart.
_BARE = re.compile(r"[^\s'\"\\]+")


def lines_of(text: str, command: Command) -> tuple[str, ...]:
    """List all texts by which a rule that restricts may speak of a command.

    Args:
        text: The command line as it was written.
        command: What it runs.
    """
    found = dict.fromkeys((text, text.strip()))
    for step in _all(command.steps):
        words = [word.text for word in step.words]
        for start in (words, [step.name, *words[1:]]):
            found[shlex.join(start)] = None
            # Patterns are seldom written with the quotes that a wildcard or a space needs.
            found[" ".join(start)] = None
    return tuple(found)


def touches(patterns: Iterable[str], lines: Sequence[str]) -> bool:
    """Tell whether a pattern fits any of a command's texts."""
    return any(fnmatchcase(line, pattern) for pattern in patterns for line in lines)


def covers(patterns: Sequence[str], text: str, command: Command) -> bool:
    """Tell whether patterns fit all that a command without a doubt runs.

    Args:
        patterns: Each fits whole program calls, or is the text of the command itself.
        text: The command line as it was written.
        command: What it runs.
    """
    if command.doubt:
        return False
    return text in patterns or all(_covers(patterns, step) for step in command.steps)


def _covers(patterns: Sequence[str], step: Step) -> bool:
    is_inner_covered = all(_covers(patterns, inner) for inner in step.inner)
    if step.is_transparent and is_inner_covered:
        return True
    words = [word.text for word in step.words]
    lines = {shlex.join(words)}
    if all(_BARE.fullmatch(word) for word in words):
        lines.add(" ".join(words))
    is_covered = any(fnmatchcase(line, pattern) for pattern in patterns for line in lines)
    return is_covered and (step.is_transparent or is_inner_covered)


def _all(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield from _all(step.before)
        yield step
        yield from _all(step.inner)
