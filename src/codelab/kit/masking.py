"""Hides what looks like a key or a password; pure, and in linear time whatever the text is.

It is a net against accidents, not a wall: whoever can run commands can write a secret in another
way. Hashes, identifiers and encoded images stay as they are.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from codelab.kit.secret_forms import (
    ADDRESS,
    ASSIGNED,
    HEADER,
    KEY_BEGIN,
    KEY_END,
    KEY_HEADING,
    KEY_LINE,
    KEY_OF,
    NAME_ENDS,
    SHORTEST_TOKEN,
    TOKEN_RUN,
    TOKENS,
)

_MASK = re.compile(r"\[masked: [A-Za-z ]{1,40}\]")

_MOST_KEY_LINES = 400
_WHOLE_LINE = 16
_KEY_PIECE = re.compile(r"[A-Za-z0-9+/=]{32,}+")

# What stands where a secret would, or is a reference to one: shown, since it says what to do.
_STAND_IN = re.compile(
    r"(?i)example|change.?me|placeholder|dummy|sample|your|x{4}|\*{3}|\.{3}|passw|secret|token"
    r"|api.?key|^[<$%{/.~^(\[*]|\$\{|\{\{|%\(|://|^(?:env|os|process|config|settings)\b"
    r"|^[\^~<>=v]{0,3}\d+\.\d+(?:\.|$)"
)
_WELL_KNOWN = frozenset(
    ("pass", "passwd", "pwd", "user", "username", "root", "admin", "guest", "test", "postgres")
)
# Words, perhaps with a number at the end: a name, and no secret.
_WORDS = re.compile(r"[A-Za-z]++(?:[-_.:/][A-Za-z]++)*+[-_.]?\d{0,3}")
# In a line that holds one of these, the secret may be yet to come.
_SUSPICIOUS = (*NAME_ENDS, "://", "-----", "earer ", "asic ", "[masked")
_OPEN_END = re.compile(r"(?<![\w.:/+-])[\w.:/+-]+\Z|\[\Z")
_PATH = re.compile(r"[A-Za-z_$][\w$]*+(?:\.[A-Za-z_$][\w$]*+)++", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_FEWEST_DIFFERENT = 6
_LEAST_BITS = 2.75
# How often, in what is random, a character is of another class than the one before.
_LEAST_CHANGES = 0.38


_KINDS = {"passwd": "password", "passphrase": "password", "pwd": "password"}


class _Span(msgspec.Struct, frozen=True):
    start: int
    end: int
    shown: str


def mask(text: str) -> str:
    """Replace each key, token and password by what it is; no line is added or lost."""
    spans = [*_masks(text), *_blocks(text), *_tokens(text), *_addresses(text), *_headers(text)]
    return _replaced(text, [*spans, *_assigned(text)])


def mask_key_blocks(text: str) -> str:
    """Replace the lines of private keys: of a part alone nobody could tell what it is."""
    return _replaced(text, [*_masks(text), *_blocks(text)])


def settled_length(text: str) -> int:
    """Return how much of a text will be masked the same way whatever follows it."""
    # Only the last block can be open; what else begins like one is left alone.
    opened = KEY_BEGIN.match(text, max(0, text.rfind("-----BEGIN ")))
    if opened and "-----END" not in text[opened.end() :]:
        return text.rfind("\n", 0, opened.start()) + 1
    last = text.rfind("\n") + 1
    line = text[last:].lower()
    if any(part in line for part in _SUSPICIOUS):
        return last
    run = _OPEN_END.search(text, last)
    return run.start() if run else len(text)


def masks_in(text: str) -> frozenset[str]:
    """Return the masks that a text holds, as they are written."""
    return frozenset(match[0] for match in _MASK.finditer(text))


def _replaced(text: str, spans: list[_Span]) -> str:
    pieces: list[str] = []
    position = 0
    # What begins first counts, of those the longest, of those the one that is named first.
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= position:
            pieces += [text[position : span.start], span.shown]
            position = span.end
    return "".join([*pieces, text[position:]])


def _hidden(kind: str, start: int, end: int) -> _Span:
    return _Span(start, end, f"[masked: {kind}]")


def _masks(text: str) -> Iterator[_Span]:
    # What is masked already stays as it is.
    for match in _MASK.finditer(text):
        yield _Span(match.start(), match.end(), match[0])


def _tokens(text: str) -> Iterator[_Span]:
    for run in TOKEN_RUN.finditer(text):
        if len(run[0]) < SHORTEST_TOKEN:
            continue
        found = [
            (match.start(), match.end(), form)
            for form in TOKENS
            if form.beginning in run[0]
            for match in form.pattern.finditer(text, run.start(), run.end())
        ]
        last = -1
        for start, end, form in sorted(found, key=lambda one: one[0]):
            # One may follow another without anything between them.
            if (start == last or _stands_alone(text, start)) and _is_various(
                text[start + len(form.beginning) : end]
            ):
                last = end
                yield _hidden(form.kind, start, end)


def _addresses(text: str) -> Iterator[_Span]:
    for match in ADDRESS.finditer(text):
        value = match["value"]
        if value.lower() not in _WELL_KNOWN and not _STAND_IN.search(value):
            yield _hidden("password", *match.span("value"))


def _headers(text: str) -> Iterator[_Span]:
    if "earer " not in text and "asic " not in text:
        return
    for match in HEADER.finditer(text):
        value = match["value"]
        if any(map(str.isdigit, value)) and not _WORDS.fullmatch(value) and _is_various(value):
            yield _hidden("token", *match.span("value"))


def _assigned(text: str) -> Iterator[_Span]:
    for name, end in _names(text):
        match = ASSIGNED.match(text, end)
        if match is None:
            continue
        group = "quoted" if match["quoted"] else "bare"
        is_random = _is_random if group == "quoted" else _is_surely_random
        if is_random(match[group]):
            yield _hidden(_KINDS.get(name, name), *match.span(group))


def _names(text: str) -> Iterator[tuple[str, int]]:
    """Find where the name of a secret ends; looking for plain words is far faster than patterns."""
    lower = text.lower()
    if len(lower) != len(text):
        # The one letter whose small form is two characters.
        lower = text.replace("\u0130", "I").lower()
    for name in NAME_ENDS:
        position = lower.find(name)
        while position >= 0:
            end = position + len(name)
            if name != "key" or KEY_OF.search(lower, max(0, position - 12), position):
                yield name, end
            position = lower.find(name, end)


def _blocks(text: str) -> Iterator[_Span]:
    """Find the lines of private keys, also where only their beginning or their end is shown."""
    if "PRIVATE KEY" not in text:
        return
    # However many begin or end in a line, it and what is around it is looked at once.
    line_end = 0
    for begin in KEY_BEGIN.finditer(text):
        if begin.start() < line_end:
            continue
        line_end = _line_end(text, begin.end())
        for piece in _KEY_PIECE.finditer(text, begin.end(), line_end):
            yield _hidden("private key", piece.start(), piece.end())
        yield from _lines_after(text, line_end + 1)
    last = -1
    for end in KEY_END.finditer(text):
        if last < 0 or text.find("\n", last, end.start()) >= 0:
            yield from _lines_before(text, text.rfind("\n", 0, end.start()))
        last = end.end()


def _lines_after(text: str, start: int) -> Iterator[_Span]:
    for _ in range(_MOST_KEY_LINES):
        if start >= len(text):
            return
        end = _line_end(text, start)
        body = KEY_LINE.fullmatch(text, start, end)
        if body and len(body["body"]) >= _WHOLE_LINE:
            yield _hidden("private key", *body.span("body"))
        elif text.find("-----BEGIN ", start, end) >= 0:
            return  # Of that key, it is asked in its turn.
        elif not KEY_HEADING.fullmatch(text, start, end):
            return
        start = end + 1


def _lines_before(text: str, end: int) -> Iterator[_Span]:
    # The last line of a key may be short.
    least = 1
    for _ in range(_MOST_KEY_LINES):
        if end <= 0:
            return
        start = text.rfind("\n", 0, end) + 1
        body = KEY_LINE.fullmatch(text, start, end)
        if body is None or len(body["body"]) < least:
            return
        yield _hidden("private key", *body.span("body"))
        least, end = _WHOLE_LINE, start - 1


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _stands_alone(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    return not (before.isascii() and before.isalnum())


def _is_various(value: str) -> bool:
    """Tell whether a token's characters are more than a name or a pattern like `xxxx`."""
    is_name = _WORDS.fullmatch(value) and (value.islower() or "-" in value)
    return not is_name and len(set(value)) >= _FEWEST_DIFFERENT and not _STAND_IN.search(value)


def _is_random(value: str) -> bool:
    """Tell whether a quoted value is a secret rather than a word, a name or a stand-in."""
    if not value.isascii() or _STAND_IN.search(value) or _WORDS.fullmatch(value):
        return False
    return not value.isdigit() and _bits(value) >= _LEAST_BITS


def _is_surely_random(value: str) -> bool:
    """Tell whether a value without quotes, which may be code, is a secret."""
    if not _is_random(value) or not any(map(str.isdigit, value)) or _PATH.fullmatch(value):
        return False
    return _HEX.fullmatch(value) is not None or _changes(value) >= _LEAST_CHANGES


def _bits(value: str) -> float:
    """Return Shannon's entropy of a text, in bits for each character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def _changes(value: str) -> float:
    classes = [(c.islower(), c.isupper(), c.isdigit()) for c in value]
    changes = sum(one != other for one, other in itertools.pairwise(classes))
    return changes / len(value)
