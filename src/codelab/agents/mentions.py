"""Which files and folders a message mentions as `@path`. Pure."""

from __future__ import annotations

import re

import msgspec

MOST = 20

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
# Behind a letter it is an address, behind a backslash it is meant literally; with a bracket
# behind it, it is a decorator.
_MENTION = re.compile(
    r"(?<![^\s(\[{,;:«“\"'])@"
    r"(?:\"(?P<double>[^\"\n]+)\"|'(?P<single>[^'\n]+)'|(?P<plain>[\w.+~/-]++)(?![(@\\]))"
)
# A name alone on its line, before a line of code.
_DECORATES = re.compile(
    r"[ \t]*\n\s*(?:async\b|class\b|def\b|export\b|fn\b|fun\b|func\b|function\b|interface\b"
    r"|private\b|protected\b|public\b|static\b|final\b|void\b|override\b)"
)
_FILE_NAME = re.compile(r".*\w\.[A-Za-z]\w{0,4}$")
_LONGEST = 1000


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A path as it was written; `certain` unless the word may mean something else."""

    path: str
    certain: bool


def mentions(text: str, agent: str = "") -> tuple[Mention, ...]:
    """Return what a message mentions, each path once, the first ones if they are too many.

    Args:
        text: The message.
        agent: The agent that it begins with, whose name is no path then.
    """
    # Of the same length, so that what is around a mention is still around it.
    prose = _CODE.sub(lambda code: "`" * len(code[0]), text)
    beginning = len(prose) - len(prose.lstrip())
    found: dict[str, Mention] = {}
    for match in _MENTION.finditer(prose):
        if len(found) == MOST:
            break
        mention = _mention(match, prose)
        is_agent = match.start() == beginning and mention.path.lower() == agent
        if mention.path and not (agent and is_agent) and len(mention.path) <= _LONGEST:
            found.setdefault(mention.path, mention)
    return tuple(found.values())


def _mention(match: re.Match[str], prose: str) -> Mention:
    quoted = match["double"] or match["single"]
    if quoted:
        return Mention(path=quoted.strip(), certain=True)
    path = match["plain"].rstrip(".")
    decorates = (
        _begins_line(prose, match.start()) and _DECORATES.match(prose, match.end()) is not None
    )
    is_path = "/" in path or _FILE_NAME.fullmatch(path) is not None
    return Mention(path="" if decorates and "/" not in path else path, certain=is_path)


def _begins_line(prose: str, at: int) -> bool:
    # Step by step: lines may be long, and full of mentions.
    while at and prose[at - 1] != "\n" and prose[at - 1].isspace():
        at -= 1
    return not at or prose[at - 1] == "\n"
