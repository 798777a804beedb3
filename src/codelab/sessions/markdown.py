"""A session as Markdown that any reader shows as it is meant, whatever was said in it; pure.

What people and models wrote stays Markdown, but in a quotation, which ends every fence and list
that was left open, and without HTML. What tools took and gave stands in fences that are longer
than any in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from codelab.sessions.history import HistoryItem
from codelab.sessions.repository import SessionRecord

_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_INNER_FENCE = re.compile(r"^.+?(`{3}|~{3})")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_RUNS = re.compile(r"`+")
# They make text look like other text, or act on a terminal.
_DECEPTIVE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
_DIFF = re.compile(r"^(--- |\+\+\+ |@@ )", re.MULTILINE)


def heading(session: SessionRecord) -> str:
    """Return how the document begins."""
    title = _line(session.title) or "Session"
    return f"# {title}\n\nBegun {_time(session.created_at)}, in CodeLab.\n"


def written(item: HistoryItem, preview: str = "") -> str:
    """Return a message or a call.

    Args:
        item: What was said or done.
        preview: What a human was shown of a call before it ran.
    """
    lines = _call(item, preview) if item.role == "tool" else _message(item)
    return "\n" + "\n".join(lines) + "\n"


def _message(item: HistoryItem) -> Iterator[str]:
    who = "You" if item.role == "user" else _line(item.agent or "Assistant")
    model = f" ({_line(item.model)})" if item.role == "assistant" and item.model else ""
    yield f"## {who}{model}, {_time(item.at)}"
    yield ""
    if item.hidden:
        yield "*Models are not shown this any more.*"
        yield ""
    yield from _quoted(item.text)


def _call(item: HistoryItem, preview: str) -> Iterator[str]:
    ended = {None: "without a result", True: "done", False: "failed"}[item.ok]
    asked = f", {item.approval}" if item.approval else ""
    yield "<details>"
    yield f"<summary>{_html(item.tool or 'tool')}: {ended}{asked}, {_time(item.at)}</summary>"
    yield ""
    parameters = msgspec.json.format(msgspec.json.encode(item.parameters or {}), indent=2)
    yield from fenced(parameters.decode(), "json")
    if preview:
        yield ""
        yield from fenced(preview, "diff" if _DIFF.search(preview) else "")
    if item.output:
        yield ""
        yield from fenced(item.output)
    yield ""
    yield "</details>"


def fenced(text: str, language: str = "") -> Iterator[str]:
    """Yield a text between fences that nothing in it can end."""
    longest = max((len(run) for run in _RUNS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from _visible(text.rstrip("\n")).split("\n")
    yield fence


def _quoted(text: str) -> Iterator[str]:
    """Yield a text as a quotation in which no HTML is left outside of its code.

    Code is what stands in fences at the very beginning of a line. Whether one that is indented
    opens or closes something depends on what it stands in, so nothing behind one counts as code.
    """
    fence, is_certain = "", True
    for line in _visible(text).split("\n"):
        found = _FENCE.match(line)
        shown = line if fence and is_certain else _TAG.sub("&lt;", line)
        if not fence and _INNER_FENCE.match(line) and not found:
            is_certain = False
        elif not fence and found:
            fence, shown = found[1], _TAG.sub("&lt;", line)
        elif fence and _closes(line, fence):
            fence = ""
            # With tabs or wide spaces about it, not every reader sees the end in it.
            is_certain = is_certain and line.rstrip(" \t") == line.strip()
        yield f"> {shown}"


def _closes(line: str, fence: str) -> bool:
    plain = line.strip()
    return len(plain) >= len(fence) and set(plain) == {fence[0]} and not line.startswith("    ")


def _visible(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _DECEPTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _line(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(_visible(text).split()))


def _html(text: str) -> str:
    return "".join(f"&#{ord(letter)};" if letter in "<>&\"'`" else letter for letter in text)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
