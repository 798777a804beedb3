"""Looks through programs that run other programs, down to what is run in the end."""

from __future__ import annotations

import posixpath

import msgspec

from codelab.hitl.commands.launchers import (
    EVALUATORS,
    LAUNCHERS,
    REMOTE,
    SHELLS,
    SOMETIMES_EVALUATORS,
    Launcher,
    Trust,
)
from codelab.hitl.commands.shell import Line, Program, Word, Words, is_assignment, parse

_DEEPEST = 10
# How many characters of texts within texts are read; one may hold another many times over.
_MOST_INNER = 131_072
_TOO_DEEP = "Programs are wrapped too deeply."
_SHELL_FLAGS = frozenset("celux")
_SHELL_OPTIONS = frozenset(("errexit", "nounset", "pipefail", "xtrace"))
_FIND_RUNS = frozenset(("-exec", "-execdir", "-ok", "-okdir"))


class Step(msgspec.Struct, frozen=True):
    """A program call and what it runs.

    Args:
        words: Its name and arguments.
        joined: The operator between it and the step before it.
        before: What runs within its expansions.
        inner: What it runs itself.
        is_transparent: Whether who allows what it runs allows it too.
        runs_here: Whether what it runs may change the folder of what comes after it.
        folder: Where it runs it, if not where it runs itself.
    """

    words: Words
    joined: str = ""
    before: tuple[Step, ...] = ()
    inner: tuple[Step, ...] = ()
    is_transparent: bool = False
    runs_here: bool = False
    folder: Word | None = None

    @property
    def name(self) -> str:
        """The program's name without its path."""
        return base_name(self.words[0].text)


class Command(msgspec.Struct, frozen=True):
    """What a command line runs; a doubt says why that is not certain."""

    steps: tuple[Step, ...]
    doubt: str = ""


class _Opened(msgspec.Struct):
    """What a program runs: programs, or a text for the shell."""

    programs: tuple[Words, ...] = ()
    text: str | None = None
    doubt: str = ""
    trust: Trust = Trust.OPAQUE
    runs_here: bool = False
    folder: Word | None = None


class _Options(msgspec.Struct):
    """A launcher's own arguments, and the words after them."""

    rest: Words = ()
    values: dict[str, Word] = {}
    doubt: str = ""
    assigns: bool = False
    describes: bool = False


def understand(text: str) -> Command:
    """Read a command line and look through the programs in it; it never fails."""
    line = parse(text)
    opener = _Opener()
    steps = opener.steps(line, 0)
    return Command(steps, line.doubt or opener.doubt)


def base_name(program: str) -> str:
    """Return a program's name without its path."""
    return posixpath.basename(program) or program


class _Opener:
    """Turns programs into steps and keeps the first doubt."""

    def __init__(self) -> None:
        self.doubt = ""
        self._left = _MOST_INNER

    def steps(self, line: Line, depth: int) -> tuple[Step, ...]:
        return tuple(self._step(program, depth) for program in line.programs)

    def _step(self, program: Program, depth: int) -> Step:
        before = self.steps(Line(program.inside), depth) if program.inside else ()
        opened = _open(program.words)
        if opened is None:
            return Step(program.words, program.joined, before)
        self.doubt = self.doubt or opened.doubt
        inner: tuple[Step, ...] = ()
        self._left -= 0 if opened.text is None else len(opened.text) + 64
        if depth >= _DEEPEST or self._left < 0:
            self.doubt = self.doubt or _TOO_DEEP
        elif opened.text is not None:
            line = parse(opened.text)
            self.doubt = self.doubt or line.doubt
            inner = self.steps(line, depth + 1)
        else:
            inner = self.steps(Line(tuple(map(Program, opened.programs))), depth + 1)
        # A path may lead to another program of that name.
        is_known = "/" not in program.words[0].text
        return Step(
            program.words,
            program.joined,
            before,
            inner,
            is_transparent=opened.trust is Trust.TRANSPARENT and is_known and bool(inner),
            runs_here=opened.runs_here,
            folder=opened.folder,
        )


def _open(words: Words) -> _Opened | None:
    """Find what a program runs; none when it runs nothing that its words tell of."""
    if is_assignment(words[0]):
        return _Opened((words[1:],) if words[1:] else ())
    name = base_name(words[0].text)
    if name in SHELLS:
        return _open_shell(words)
    if name == "find":
        return _open_find(words)
    if name == "eval":
        start = 2 if words[1:] and words[1].text == "--" else 1
        return _Opened(text=_joined(words[start:]), runs_here=True)
    if (launcher := LAUNCHERS.get(name)) is not None:
        return _open_launcher(name, launcher, words)
    if name in (".", "source"):
        return _Opened(doubt="It runs a file's content.")
    if name in REMOTE:
        return _Opened(doubt=f"What {name} runs cannot be seen.")
    if name in EVALUATORS or (
        name in SOMETIMES_EVALUATORS
        and any(word.text.startswith(SOMETIMES_EVALUATORS[name]) for word in words[1:])
    ):
        return _Opened(doubt=f"{name} changes what later words mean.")
    return None


def _open_launcher(name: str, launcher: Launcher, words: Words) -> _Opened | None:
    read = _read_options(name, launcher, words)
    text = next((read.values[key].text for key in launcher.texts if key in read.values), None)
    if launcher.texts and text is None:
        # The option may come after the user's or the file's name.
        places = (at for at, word in enumerate(words, 1) if word.text in launcher.texts)
        text = next((_joined(words[at : at + 1]) for at in places), None)
    opened = _Opened(
        (read.rest,) if read.rest else (),
        text=text,
        doubt=read.doubt,
        trust=Trust.OPAQUE if read.assigns else launcher.trust,
        runs_here=name in ("command", "builtin"),
        folder=next((read.values[key] for key in launcher.folder if key in read.values), None),
    )
    if launcher.trust is Trust.UNKNOWABLE:
        opened.doubt = f"What {name} runs cannot be seen."
    elif read.describes:
        opened.programs = ()
    elif name == "env":
        _mind_env(opened, read)
        if len(read.rest) < len(words) - 1:
            opened.trust = Trust.OPAQUE
    elif name == "watch":
        opened.text = _joined(read.rest)
    elif name == "flock" and read.rest and read.rest[0].text in ("-c", "--command"):
        opened.text = _joined(read.rest[1:2])
    return opened if opened.programs or opened.doubt or opened.text is not None else None


def _mind_env(opened: _Opened, read: _Options) -> None:
    split = read.values.get("-S") or read.values.get("--split-string")
    if split is not None:
        opened.text = _joined((split, *read.rest))
        opened.doubt = "env splits a text by rules of its own."
    if opened.programs and opened.programs[0][0].text == "-":
        opened.programs = (opened.programs[0][1:],) if opened.programs[0][1:] else ()
        opened.doubt = opened.doubt or "env runs it without the usual variables."


def _read_options(name: str, launcher: Launcher, words: Words) -> _Options:
    read = _Options(values={})
    at = 1
    while at < len(words) and (text := words[at].text).startswith("-") and text != "-":
        at += 1
        if text == "--":
            break
        option, value = _split_option(launcher, read, text)
        if option is None:
            read.doubt = read.doubt or f"{name} has an option that is not known here: {text}"
        elif option and value is not None:
            read.values[option] = Word(value, words[at - 1].live)
        elif option:
            read.values[option] = words[at] if at < len(words) else Word("")
            at += 1
    at += launcher.operands
    while launcher.assigns and at < len(words) and "=" in words[at].text:
        read.assigns = True
        at += 1
    read.rest = words[at:]
    if read.rest and not read.rest[0].text:
        read.doubt = read.doubt or "A program has no name."
    return read


def _split_option(launcher: Launcher, read: _Options, text: str) -> tuple[str | None, str | None]:
    """Tell an argument's option that takes a value, and the value if it is attached.

    Returns:
        No name but an empty one for options without a value, none for what is not known.
    """
    if text.startswith("--"):
        option, equals, value = text.partition("=")
        if option in launcher.long_valued or option in launcher.texts:
            return option, value if equals else None
        return ("", None) if text in launcher.long else (None, None)
    for place, letter in enumerate(text[1:], 2):
        if letter in launcher.valued:
            return f"-{letter}", text[place:] or None
        if letter in launcher.describes:
            read.describes = True
        elif letter not in launcher.flags:
            return None, None
    return "", None


def _open_shell(words: Words) -> _Opened | None:
    """Look for `-c` among a shell's options; a shell that only gets a file runs that."""
    doubt, has_text, at = "", False, 1
    while at < len(words) and words[at].text[:1] in ("-", "+") and words[at].text:
        text = words[at].text
        at += 1
        if text in ("-", "--"):
            break
        if text.startswith("--"):
            doubt = doubt or f"The shell has an option that is not known here: {text}"
            at += text in ("--init-file", "--rcfile")
            continue
        letters = text[1:]
        # To bash, +c is -c.
        has_text = has_text or "c" in letters
        for _ in range(letters.count("o") + letters.count("O")):
            known = at < len(words) and words[at].text in _SHELL_OPTIONS
            doubt = doubt or ("" if known else "The shell has an option that is not known here.")
            at += 1
        if not _SHELL_FLAGS.issuperset(letters.replace("o", "")):
            doubt = doubt or f"The shell has an option that is not known here: {text}"
    if has_text:
        return _Opened(text=_joined(words[at : at + 1]), doubt=doubt)
    if at >= len(words):
        doubt = doubt or "A shell reads what it runs from elsewhere."
    return _Opened(doubt=doubt) if doubt else None


def _open_find(words: Words) -> _Opened | None:
    programs: list[Words] = []
    at = 1
    while at < len(words):
        at += 1
        if words[at - 1].text in _FIND_RUNS:
            start = at
            while at < len(words) and words[at].text not in (";", "+"):
                at += 1
            if at > start:
                programs.append(words[start:at])
    if not programs:
        return None
    return _Opened(tuple(programs), doubt="What find runs depends on what it finds.")


def _joined(words: Words) -> str:
    return " ".join(word.text for word in words)
