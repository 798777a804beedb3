"""Which folders the programs of a command may run in, and which paths their words name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from codelab.hitl.commands.shell import Word
from codelab.hitl.commands.wrappers import Step

# Stands for a workspace whose place is not told: nothing is inside it but what is named from it.
NOWHERE = "/\0/\0"
# Stands for the home of whoever runs the command.
HOME = "/home/\0"

Folders = frozenset[str]

_MOST_BRACES = 64
_MOST_FOLDERS = 64
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_HOMES = re.compile(r"(?:~[\w.-]*|\$HOME|\$\{HOME[^}]*\})(?=/|$)")
_HERE = re.compile(r"(?:~\+|\$PWD|\$\{PWD[^}]*\})(?=/|$)")


def placed(folder: str, path: str) -> str:
    """Return a path, seen from a folder, as an absolute one without `..` and the like."""
    return "/" + posixpath.normpath(posixpath.join(folder, path)).lstrip("/")


def named(word: Word, folders: Iterable[str]) -> set[str]:
    """Find the absolute paths that a word may name; none when that depends on more.

    Args:
        word: A program's argument.
        folders: Where the program may run.
    """
    places = tuple(folders)
    found: set[str] = set()
    for text in spread(word):
        if word.live:
            text = _HOMES.sub(HOME, text, count=1) if _HOMES.match(text) else text
        if here := word.live and _HERE.match(text):
            text = "." + text[here.end() :]
        if word.live and ("$" in text or "`" in text):
            continue
        found.update(placed(place, text) for place in (("/",) if text.startswith("/") else places))
    return found


def spread(word: Word) -> list[str]:
    """Carry out a word's braces, as far as they are few and plain."""
    done: list[str] = []
    waiting = [word.text]
    while waiting:
        text = waiting.pop()
        found = _BRACES.search(text) if word.live else None
        if found is None or len(done) + len(waiting) > _MOST_BRACES:
            done.append(text)
            continue
        head, tail = text[: found.start()], text[found.end() :]
        waiting.extend(head + part + tail for part in found[1].split(","))
    return done


def walk(steps: Iterable[Step], start: Folders) -> Iterator[tuple[Step, Folders]]:
    """Go through all that a command runs, with the folders it may run in.

    Args:
        steps: What runs, in order.
        start: Where the first may run.
    """
    yield from _Walk(start).through(steps)


class _Walk:
    """A shell's folder: where it is if every `cd` before `&&` worked, and where it may be."""

    def __init__(self, start: Folders) -> None:
        self.now = start
        self.ever = start
        self._skips = False

    def through(self, steps: Iterable[Step]) -> Iterator[tuple[Step, Folders]]:
        for step in steps:
            self._join(step.joined)
            yield from _Walk(self.now).through(step.before)
            yield step, self.now
            inside = _Walk(self.now if step.folder is None else self._led(step.folder))
            yield from inside.through(step.inner)
            if step.runs_here:
                self._move(inside.now, inside.ever)
            elif step.name in ("cd", "pushd"):
                self._move(self._cd(step))

    def _join(self, operator: str) -> None:
        # After `a || cd b`, what follows `&&` runs whether b was entered or not.
        self._skips = operator == "||" or (self._skips and operator in ("&&", "|", "|&"))
        if operator not in ("", "&&") or self._skips:
            self.now = self.ever

    def _move(self, now: Folders, ever: Folders = frozenset()) -> None:
        self.now = now
        self.ever |= now | ever
        if len(self.ever) > _MOST_FOLDERS:
            # Nobody needs so many: the worst is assumed.
            self.now = self.ever = frozenset(("/",))

    def _led(self, word: Word) -> Folders:
        return frozenset(named(word, self.now))

    def _cd(self, step: Step) -> Folders:
        words = [word for word in step.words[1:] if not re.fullmatch(r"-[LPe@]+|--", word.text)]
        if not words:
            return frozenset((HOME,))
        if words[0].text.startswith(("-", "+")):
            return frozenset()
        return self._led(words[0])
