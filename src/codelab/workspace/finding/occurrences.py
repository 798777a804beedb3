"""Every place that a search finds, with its file's line and what would stand there instead.

ripgrep prints each match between marks that nobody could foresee, with its replacement. From that
the places in the files follow, and each is compared with the file's bytes before it is believed.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.workspace.diffs import reveal
from codelab.workspace.errors import NotText, PatternInvalid, SearchFailed
from codelab.workspace.finding import ripgrep
from codelab.workspace.finding.ripgrep import Found
from codelab.workspace.text import decode, digest_of

MOST_OUTPUT = 4_000_000

_MOST_SHOWN = 2000
_MOST_FILES = 500
_MOST_IN_FILE = 500
_MOST_READ = 100_000_000
_LONGEST_LINE = 400
_BEFORE = 80
_LONGEST_TEXT = 1000
_FAILED = 2
_BOM = b"\xef\xbb\xbf"
_HEADING = re.compile(r"(?:\./)?([^\0\n]+)\0(\d+):(\d+):")
_REFERENCE = re.compile(r"\$(?:(\$)|(&)|(\d+)|\{(\w+)\})?")

Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is searched for.

    Args:
        pattern: A text, or a regular expression of linear time.
        is_regex: Whether it is an expression.
        match_case: Whether capital and small letters differ.
        whole_word: Whether only whole words match.
        include: Only files that fit one of these globs; none: all.
        exclude: No files that fit one of these.
    """

    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    is_regex: bool = False
    match_case: bool = False
    whole_word: bool = False
    include: Annotated[tuple[Glob, ...], msgspec.Meta(max_length=20)] = ()
    exclude: Annotated[tuple[Glob, ...], msgspec.Meta(max_length=20)] = ()


class Place(msgspec.Struct, frozen=True):
    """One match as ripgrep found it; `offset` counts the bytes before it in the file."""

    line: int
    offset: int
    match: str
    replacement: str


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One match; columns count UTF-16 units, as browsers do.

    Args:
        line: Its line, from 1 on.
        column: Its column in the line, from 1 on.
        text: The line, or of a long one what stands around the match.
        start: Where the match begins in `text`, from 0 on.
        end: Where it ends.
        offset: The bytes before it in the file, by which a replacement names it.
        replacement: What would stand there instead.
    """

    line: int
    column: int
    text: str
    start: int
    end: int
    offset: int
    replacement: str = ""


class FileOccurrences(msgspec.Struct, frozen=True, kw_only=True):
    """The matches in one file.

    Args:
        path: The file.
        hash: The SHA-256 of the bytes that were searched; empty where nothing can be replaced.
        count: How many matches there are, shown or not.
        occurrences: Those that are shown.
    """

    path: str
    hash: str
    count: int
    occurrences: tuple[Occurrence, ...]


class Occurrences(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, file by file.

    Args:
        files: The files, in the order of their paths.
        count: How many matches were found in all.
        truncated: Whether there is more than is shown.
    """

    files: tuple[FileOccurrences, ...]
    count: int
    truncated: bool


def new_mark() -> str:
    """Make what ripgrep puts around each match: no file can hold it."""
    return f"\x1e{secrets.token_hex(8)}\x1e"


def arguments(
    query: SearchQuery, mark: str, replacement: str = "", *, paths: Sequence[str] = ()
) -> list[str]:
    """Return what ripgrep is told.

    Args:
        query: What is searched for.
        mark: What is put around each match.
        replacement: What would stand there instead; `$1` is the first group of an expression.
        paths: Only these files, whatever the globs say; none: the whole workspace.

    Raises:
        PatternInvalid: The pattern or a glob cannot be handed over.
    """
    ripgrep.check_pattern(query.pattern)
    for glob in (*query.include, *query.exclude):
        ripgrep.check_glob(glob)
    if "\0" in replacement:
        raise PatternInvalid("The replacement holds a NUL.", field="replacement")
    written = _written(replacement, is_regex=query.is_regex)
    command = [*ripgrep.PLAIN, *ripgrep.LINEAR, "--hidden", "--crlf", "--no-heading"]
    command += ["--with-filename", "--line-number", "--byte-offset", "--null", "--only-matching"]
    command += [f"--replace={mark}${{0}}{mark}{written}{mark}"]
    command += [] if query.is_regex else ["--fixed-strings"]
    command += [] if query.match_case else ["--ignore-case"]
    command += ["--word-regexp"] if query.whole_word else []
    if not paths:
        command += [f"--glob={glob.removeprefix('!')}" for glob in query.include]
        command += [f"--glob=!{glob.removeprefix('!')}" for glob in query.exclude]
        command += ripgrep.NOTHING_EXCLUDED
    return [*command, "--regexp", query.pattern, "--", *(f"./{path}" for path in paths or ("",))]


def places(found: Found, mark: str) -> dict[str, list[Place]]:
    """Read what ripgrep printed: the places of each file, in their order.

    Raises:
        PatternInvalid: ripgrep did not understand the pattern.
        SearchFailed: It took too long, or too much memory.
    """
    by_file: dict[str, list[Place]] = defaultdict(list)
    line_of: tuple[str, int] = ("", 0)
    shift = 0
    for path, line, offset, match, replacement in _records(found.text, mark):
        if (path, line) != line_of:
            line_of, shift = (path, line), 0
        # ripgrep counts in the line as it would be after the replacements before this one.
        by_file[path].append(Place(line, offset - shift, match, replacement))
        shift += len(f"{mark}{mark}{replacement}{mark}".encode())
    if not by_file and found.is_broken_off:
        raise SearchFailed("The search took too long, or too much memory. Narrow it down.")
    if not by_file and found.ended.exit_code == _FAILED and found.text.strip():
        message = reveal(found.text.strip().replace(mark, ""))[:600]
        raise PatternInvalid(f"The pattern is not valid: {message}", field="pattern")
    return by_file


def shown(
    found: Found, mark: str, read: Callable[[str], bytes], lists: Callable[[str], bool]
) -> Occurrences:
    """Say what was found, with the lines as they are in the files now.

    Args:
        found: What ripgrep printed.
        mark: What it put around each match.
        read: Reads a file.
        lists: Whether a file belongs into the results.
    """
    by_file = {path: inside for path, inside in places(found, mark).items() if lists(path)}
    count = sum(map(len, by_file.values()))
    files: list[FileOccurrences] = []
    left, unread = _MOST_SHOWN, _MOST_READ
    for path, inside in sorted(by_file.items())[:_MOST_FILES]:
        try:
            data = read(path) if unread > 0 else b""
        except CodeLabError:
            data = b""
        unread -= len(data)
        some = inside[: min(left, _MOST_IN_FILE)]
        left -= len(some)
        files.append(
            FileOccurrences(
                path=path,
                hash=digest_of(data) if _is_text(data, path) else "",
                count=len(inside),
                occurrences=tuple(_occurrences(data, some)),
            )
        )
    is_cut = sum(len(file.occurrences) for file in files) < count
    return Occurrences(
        files=tuple(files),
        count=count,
        truncated=is_cut or found.truncated or found.is_broken_off,
    )


def true_offset(data: bytes, place: Place) -> int | None:
    """Return where the match really is in these bytes; none if it is not there."""
    wanted = place.match.encode()
    # ripgrep does not count a byte order mark.
    skipped = len(_BOM) if data.startswith(_BOM) else 0
    start = place.offset + skipped
    return start if data[start : start + len(wanted)] == wanted else None


def _occurrences(data: bytes, places: Iterable[Place]) -> Iterator[Occurrence]:
    # A line may be the whole file: its columns are counted on from one match to the next.
    first = counted = column = 0
    for place in places:
        offset = true_offset(data, place)
        if offset is None:
            text = place.match[:_LONGEST_TEXT]
            yield Occurrence(
                line=place.line, column=1, text=text, start=0, end=_units(text), offset=place.offset
            )
            continue
        if (newline := data.rfind(b"\n", counted, offset)) >= 0:
            first = counted = newline + 1
            column = 0
        further = data[counted:offset].decode("utf-8", "ignore")
        column += _units(further if counted > first else further.removeprefix("\ufeff"))
        counted = offset
        yield _occurrence(data, place, first, offset, column + 1)


def _occurrence(data: bytes, place: Place, first: int, offset: int, column: int) -> Occurrence:
    last = data.find(b"\n", offset)
    last = len(data) if last < 0 else last
    end = offset + len(place.match.encode())
    if last - first > _LONGEST_LINE:
        window = max(first, offset - _BEFORE)
        until = min(last, max(window + _LONGEST_LINE, min(end, offset + _LONGEST_TEXT)))
    else:
        window, until = first, last
    before = data[window:offset].decode("utf-8", "ignore")
    text = before + data[offset:until].decode("utf-8", "ignore").rstrip("\r")
    start = _units(before)
    matched = data[offset : min(end, until)].decode("utf-8", "ignore")
    return Occurrence(
        line=place.line,
        column=column,
        text=text,
        start=start,
        end=start + _units(matched),
        offset=place.offset,
        replacement=place.replacement[:_LONGEST_TEXT],
    )


def _records(text: str, mark: str) -> Iterator[tuple[str, int, int, str, str]]:
    # Cut at the marks, not searched: a cut output has one huge match and no end of it.
    pieces = text.split(mark)
    for heading, match, replacement in zip(
        pieces[0:-1:3], pieces[1:-1:3], pieces[2:-1:3], strict=False
    ):
        if found := _HEADING.fullmatch(heading.rpartition("\n")[2]):
            path, number, offset = found.groups()
            yield path, int(number), int(offset), match, replacement


def _written(replacement: str, *, is_regex: bool) -> str:
    if not is_regex:
        return replacement.replace("$", "$$")

    def one(found: re.Match[str]) -> str:
        dollar, whole, number, name = found.groups()
        if dollar:
            return "$$"
        if whole:
            return "${0}"
        # `$1st` is the first group and two letters, not a group called `1st`.
        return f"${{{number or name}}}" if number or name else "$$"

    return _REFERENCE.sub(one, replacement)


def _is_text(data: bytes, path: str) -> bool:
    try:
        decode(data, path)
    except NotText:
        return False
    return bool(data) and not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2


def replaced(data: bytes, inside: Iterable[Place], chosen: frozenset[int] | None) -> bytes | None:
    """Return the bytes with the replacements in place.

    Args:
        data: The file as it was searched.
        inside: Its places, in their order.
        chosen: The offsets of those to be replaced; none: all of them.

    Returns:
        None if a match is not where it was found.
    """
    pieces: list[bytes] = []
    end = 0
    for place in inside:
        if chosen is not None and place.offset not in chosen:
            continue
        start = true_offset(data, place)
        if start is None or start < end:
            return None
        pieces += (data[end:start], place.replacement.encode())
        end = start + len(place.match.encode())
    return b"".join((*pieces, data[end:]))
