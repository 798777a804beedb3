"""Unified diffs that show everything, also what a screen would hide; pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# Control characters but for tab and line feed, zero-width, direction, tag and other characters
# that look like nothing: each becomes visible, so that what is shown is what there is.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U000e0000-\U000e0fff]"
)
_NAMES = {"\r": "CR", "\x1b": "ESC", "\x00": "NUL"}
_CONTEXT = 3
# What happens to lines a to b of the old text and c to d of the new one.
_Code = tuple[str, int, int, int, int]
# Comparing costs lines times lines in the worst case; beyond this, one block replaces the other.
_COMPARED = 4_000_000
_NO_NEWLINE = "\\ No newline at end of file"


class _Shown(dict[int, str]):
    """How each character is shown; filled as they come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        hidden = f"⟦{_NAMES.get(char, f'U+{code:04X}')}⟧"
        self[code] = hidden if _UNSEEN.match(char) else char
        return self[code]


_SHOWN = _Shown()


def reveal(text: str) -> str:
    """Make control, invisible and direction-changing characters visible."""
    return text.translate(_SHOWN) if _UNSEEN.search(text) else text


def unified(old: str, new: str, path: str, *, is_new: bool = False, is_gone: bool = False) -> str:
    """Return the whole unified diff, with what is invisible made visible; empty when equal.

    Args:
        old: The text before.
        new: The text after.
        path: The file's path, for the heading.
        is_new: Whether there was no file.
        is_gone: Whether there will be no file.
    """
    if old == new and not is_new and not is_gone:
        return ""
    before, after = _lines(old), _lines(new)
    if _all_crlf(before) and _all_crlf(after):
        before, after = _without_cr(before), _without_cr(after)
    shown = reveal(path)
    heading = [
        "--- /dev/null" if is_new else f"--- a/{shown}",
        "+++ /dev/null" if is_gone else f"+++ b/{shown}",
    ]
    return "\n".join([*heading, *_hunks(before, after)])


def _hunks(before: list[str], after: list[str]) -> Iterable[str]:
    for group in _groups(before, after):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                yield from _marked(" ", before[old_from:old_to])
                continue
            yield from _marked("-", before[old_from:old_to])
            yield from _marked("+", after[new_from:new_to])


def _groups(before: list[str], after: list[str]) -> Iterable[list[_Code]]:
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    old, new = len(before) - tail, len(after) - tail
    if (old - head) * (new - head) <= _COMPARED:
        matcher = difflib.SequenceMatcher(None, before[head:old], after[head:new], autojunk=True)
        inner = [
            (kind, a + head, b + head, c + head, d + head)
            for kind, a, b, c, d in matcher.get_opcodes()
        ]
    else:
        inner = [("replace", head, old, head, new)]
    codes = [("equal", 0, head, 0, head), *inner]
    codes.append(("equal", old, len(before), new, len(after)))
    return _grouped([code for code in codes if code[1] != code[2] or code[3] != code[4]])


def _grouped(codes: list[_Code]) -> Iterable[list[_Code]]:
    group: list[_Code] = []
    for number, (kind, a, b, c, d) in enumerate(codes):
        if kind != "equal":
            group.append((kind, a, b, c, d))
            continue
        is_first, is_last = number == 0, number == len(codes) - 1
        if not is_first and (is_last or b - a > 2 * _CONTEXT):
            yield [*group, (kind, a, min(b, a + _CONTEXT), c, min(d, c + _CONTEXT))]
            group = []
        if is_first or (not is_last and b - a > 2 * _CONTEXT):
            group = [(kind, max(a, b - _CONTEXT), b, max(c, d - _CONTEXT), d)]
        elif not is_last:
            group.append((kind, a, b, c, d))
    if group:
        yield group


def _common(before: list[str], after: list[str]) -> int:
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _marked(mark: str, lines: list[str]) -> Iterable[str]:
    # All at once: of a megabyte of short lines, each for itself takes a second.
    *whole, rest = reveal("".join(lines)).split("\n")
    yield from (mark + line for line in whole)
    if rest:
        yield mark + rest
        yield _NO_NEWLINE


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _lines(text: str) -> list[str]:
    # Only line feeds end a line here: other separators must stay visible inside it.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _all_crlf(lines: list[str]) -> bool:
    return all(line.endswith("\r\n") for line in lines)


def _without_cr(lines: list[str]) -> list[str]:
    return [line.removesuffix("\r\n") + "\n" for line in lines]
