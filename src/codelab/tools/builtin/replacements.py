"""Exact replacements in a text, and help when one does not match; pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import ToolError
from codelab.sdk.masking import masks_in

_COMPARED_LINES = 5000
_COMPARED_LENGTH = 200
_AROUND = 3
_LIKENESS = 0.5
_LINES_NAMED = 10
# As much as is read of a file.
_LONGEST_TEXT = 10_000_000


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """One exact replacement."""

    old_text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1_000_000,
            description="Text to replace, exactly as in the file, without line numbers; enough "
            "of it to occur only once.",
        ),
    ]
    new_text: Annotated[str, Meta(max_length=1_000_000, description="What takes its place.")]
    replace_all: Annotated[
        bool, Meta(description="Replace every occurrence instead of the only one.")
    ] = False


class Applied(msgspec.Struct, frozen=True):
    """A text with replacements made, and why others were not."""

    text: str
    skipped: tuple[str, ...] = ()


def apply(
    text: str, replacements: tuple[Replacement, ...], path: str, *, skip: bool = False
) -> Applied:
    """Apply replacements, one after the other; line endings stay as they are.

    Args:
        text: The file's text.
        replacements: What to replace.
        path: The file, for what is said about it.
        skip: Whether those that cannot be made are left out; otherwise all are made or none.

    Raises:
        ToolError: One, or with `skip` all of them, do not match, or match more than once; says
            which and what is near.
    """
    # Models write line feeds; in a file that ends its lines the other way, that is meant.
    is_crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    skipped: list[str] = []
    for number, replacement in enumerate(replacements, 1):
        old, new = replacement.old_text, replacement.new_text
        if is_crlf:
            old, new = _with_crlf(old), _with_crlf(new)
        label = f"Replacement {number} of {len(replacements)}"
        problem = _problem(text, old, label, path, replace_all=replacement.replace_all)
        if not problem:
            # Before it is made: many short texts that grow take all memory.
            if len(text) + text.count(old) * (len(new) - len(old)) > _LONGEST_TEXT:
                raise ToolError(f"{label} would make {path} too large.")
            text = text.replace(old, new)
            continue
        skipped.append(problem)
        if not skip or len(skipped) == len(replacements):
            raise ToolError("\n".join(skipped))
    return Applied(text, tuple(skipped))


def one_that_yields(before: str, after: str) -> Replacement | None:
    """Return a replacement that makes exactly `after` of `before`, if there is one."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    around = 0
    while True:
        # With as many lines around as make it occur only once; the whole text does at the latest.
        start, end = max(0, head - around), min(len(old), len(old) - tail + around)
        part = "".join(old[start:end])
        is_whole = (start, end) == (0, len(old))
        if is_whole or (part and before.count(part) == 1):
            break
        around = 2 * around + 1
    grown = "".join(new[start : len(new) - (len(old) - end)])
    if not part:
        return None
    found = Replacement(old_text=part, new_text=grown)
    return found if apply(before, (found,), "it").text == after else None


def _same(some: list[str], others: list[str]) -> int:
    count = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        count += 1
    return count


def _problem(text: str, old: str, label: str, path: str, *, replace_all: bool) -> str:
    count = text.count(old)
    if count == 0:
        return _no_match(text, old, label, path)
    if count == 1 or replace_all:
        return ""
    lines = ", ".join(map(str, islice(_lines_of(text, old), _LINES_NAMED)))
    return (
        f"{label} matches {count} times in {path} (lines {lines}). "
        "Give more of the text around it, or set replace_all."
    )


def _no_match(text: str, old: str, label: str, path: str) -> str:
    problem = f"{label} does not match anything in {path}."
    if masks := masks_in(old):
        return (
            f"{problem} It holds {min(masks)}, which stands for a secret that you are not shown. "
            "Choose text around it."
        )
    near = _nearest(text, old)
    if not near:
        return f"{problem} Nothing in it is similar; read the file again."
    return f"{problem} The nearest text is:\n{near}\nCopy the text exactly, spaces included."


def _nearest(text: str, old: str) -> str:
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")
    lines = text.split("\n")[:_COMPARED_LINES]
    stripped = [line.strip()[:_COMPARED_LENGTH] for line in lines]
    found = get_close_matches(wanted[:_COMPARED_LENGTH], set(stripped), n=1, cutoff=_LIKENESS)
    if not found:
        return ""
    first = stripped.index(found[0])
    last = min(len(lines), first + max(old.count("\n") + 1, _AROUND))
    return "\n".join(
        f"{number + 1:>6}\t{lines[number].rstrip()[:_COMPARED_LENGTH]}"
        for number in range(first, min(last, first + 20))
    )


def _lines_of(text: str, old: str) -> Iterator[int]:
    position, line, seen = text.find(old), 1, 0
    while position >= 0:
        line += text.count("\n", seen, position)
        yield line
        seen, position = position, text.find(old, position + len(old))


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
