"""What is never allowed: to delete a root, a home or the workspace itself with all in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from codelab.hitl.commands.folders import NOWHERE, Folders, named, placed, spread, walk
from codelab.hitl.commands.shell import Word, Words
from codelab.hitl.commands.wrappers import Step

DELETING_TOOLS = frozenset(("delete_file",))

_REMOVERS = frozenset(("rm", "grm"))
_FIND_REMOVERS = frozenset(("rm", "grm", "rmdir", "shred", "unlink"))
_HOMES = frozenset(("/home", "/Users", "/var/home"))
# A name that fits all or nearly all that a folder holds: *, .*, {*,.*}, .[!.]* and the like.
_ALL = re.compile(r"[.?{},!^\[\]]*\*[.*?{},!^\[\]]*")
_NARROWING = re.compile(
    r"-(i?(name|path|wholename|regex|lname)|newer\w*|[acm](time|min)|size|empty|user|group|perm"
    r"|links|inum|samefile)"
)
_NEGATIONS = frozenset(("!", "-not"))
_ALTERNATIVES = frozenset(("-o", "-or", ","))


def refuse_command(steps: Iterable[Step], root: str | None, folder: str = "") -> str:
    """Say why a command is never allowed; nothing when it isn't one of those.

    Args:
        steps: All that the command runs.
        root: The workspace's folder, if it is known.
        folder: Where in it the command runs.
    """
    home = placed("/", root or NOWHERE)
    for step, folders in walk(steps, frozenset((placed(home, folder),))):
        for target in _deleted(step, folders, home):
            if reason := _refusal(target, home):
                return reason
    return ""


def refuse_paths(tool: str, paths: Iterable[str], root: str | None) -> str:
    """Say why a file tool may never do this; nothing when it may."""
    if tool not in DELETING_TOOLS:
        return ""
    home = placed("/", root or NOWHERE)
    reasons = (_refusal(placed(home, path), home) for path in paths)
    return next((reason for reason in reasons if reason), "")


def _refusal(target: str, root: str) -> str:
    """Say what is lost with a folder, if that is too much."""
    parent, _, _ = target.rpartition("/")
    if root == target:
        return "It would delete the workspace itself."
    if not parent:
        return "It would delete the system's root or a folder of it."
    if parent in _HOMES:
        return "It would delete a home."
    if root.startswith(target + "/"):
        return "It would delete a folder around the workspace."
    return ""


def _deleted(step: Step, folders: Folders, root: str) -> Iterator[str]:
    """Find the folders that a step deletes with all that is in them."""
    if step.name in _REMOVERS:
        for word in _recursively_removed(step.words):
            yield from (_emptied(path, word.live) for path in named(word, folders))
    elif step.name == "find" and _find_deletes(step):
        starts = _starts(step.words)
        for word in starts:
            for path in named(word, folders):
                target = _emptied(path, word.live)
                if _is_narrow(step.words[1:]) and target == root:
                    continue
                yield target


def _recursively_removed(words: Words) -> list[Word]:
    flat = [Word(text, word.live) for word in words[1:] for text in spread(word)]
    options: list[Word] = []
    operands: list[Word] = []
    for place, word in enumerate(flat):
        if word.text == "--":
            operands += flat[place + 1 :]
            break
        (options if word.text.startswith("-") and word.text != "-" else operands).append(word)
    return operands if any(_is_recursive(word.text) for word in options) else []


def _is_recursive(option: str) -> bool:
    if option.startswith("--"):
        # Long options may be shortened.
        return len(option) > 2 and "--recursive".startswith(option)
    return "r" in option or "R" in option


def _emptied(path: str, is_live: bool) -> str:
    """Return the folder whose content goes when a path with wildcards goes."""
    while is_live and path != "/" and _ALL.fullmatch(posixpath.basename(path)):
        path = posixpath.dirname(path)
    return path


def _find_deletes(step: Step) -> bool:
    if any(word.text == "-delete" for word in step.words):
        return True
    return any(inner.name in _FIND_REMOVERS for inner, _ in walk(step.inner, frozenset()))


def _starts(words: Words) -> Words:
    at = 1
    while at < len(words) and re.fullmatch(r"-[HLP]+|-O\d", words[at].text):
        at += 1
    first = at
    while at < len(words) and words[at].text[:1] not in ("-", "(", "!"):
        at += 1
    return words[first:at] or (Word("."),)


def _is_narrow(words: Words) -> bool:
    """Tell whether find is asked for some of the files only, in each alternative."""
    narrow = False
    for place, word in enumerate(words):
        if word.text in _NEGATIONS:
            return False
        if word.text in _ALTERNATIVES:
            if not narrow:
                return False
            narrow = False
        elif _NARROWING.fullmatch(word.text):
            value = words[place + 1].text if place + 1 < len(words) else "*"
            narrow = narrow or not _ALL.fullmatch(posixpath.basename(value))
    return narrow
