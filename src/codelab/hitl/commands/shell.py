"""Reads a command line as a shell would, as far as it is plain, and says when it isn't.

A line is *certain* when it is made of programs with fixed words, joined by `;`, `&&`, `||`, `|`,
`|&`, `&` or newlines. Everything else (expansions, redirections, keywords, what is not understood)
raises a doubt. A doubtful line still yields programs, as a best guess: what forbids may look at
them, what permits may not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

_LONGEST = 65_536
_DEEPEST = 8

# What stands for itself, outside quotes and within double quotes.
_PLAIN = re.compile(r"[^ \t\n'\"\\$`;&|<>(){}*?\[\]~#!]+")
_QUOTED = re.compile(r"[^\"\\$`]+")
_OPERATOR = re.compile(r"&&|\|\||\|&|[;&|]")
_REDIRECTION = re.compile(r"&>>?|<<<|<<-?|<&|<>|>>|>&|>\||[<>]")
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*+)'?", re.DOTALL)
_ANSI_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL
)
_BACKQUOTED = re.compile(r"`((?:[^`\\]|\\.)*+)`?", re.DOTALL)
# What may hide a bracket, or is one.
_BRACKETS = re.compile(r"\\.|'[^']*+'|\"(?:[^\"\\]|\\.)*+\"|[(){}]", re.DOTALL)
_ASSIGNMENT = re.compile(r"[^\W\d]\w*\+?=")

_KEYWORDS = frozenset(
    (
        *("if", "then", "elif", "else", "fi", "for", "select", "while", "until", "do", "done"),
        *("case", "esac", "in", "function", "time", "coproc", "{", "}", "!", "[[", "]]"),
    )
)
_LIVE = {
    "*": "It has a wildcard.",
    "?": "It has a wildcard.",
    "[": "It has a wildcard.",
    "]": "It has a wildcard.",
    "{": "It has braces.",
    "}": "It has braces.",
    "~": "It has a tilde, which may stand for a home.",
    "!": "It has an exclamation mark outside quotes.",
}
_UNFINISHED = frozenset(("&&", "||", "|", "|&"))
_EXPANSION = "It has an expansion."
_UNCLOSED = "A quote is not closed."
_TOO_DEEP = "It is nested too deeply."


class Word(msgspec.Struct, frozen=True):
    """A word after its quotes are removed; `live` says that the shell would still expand it."""

    text: str
    live: bool = False


Words = tuple[Word, ...]


class Program(msgspec.Struct, frozen=True):
    """A program call.

    Args:
        words: Its name and arguments.
        joined: The operator between it and the program before it.
        inside: What runs within its expansions, before it.
    """

    words: Words
    joined: str = ""
    inside: tuple[Program, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """The programs of a command line, in order; without a doubt they are exactly what runs."""

    programs: tuple[Program, ...]
    doubt: str = ""


def parse(text: str) -> Line:
    """Read a command line; it never fails and takes time in proportion to the text."""
    reader = _Reader(text[:_LONGEST], 0)
    if len(text) > _LONGEST:
        reader.doubt("It is too long.")
    elif not text.replace("\n", "").replace("\t", "").isprintable():
        reader.doubt("It has invisible characters.")
    elif text[:1] in ("-", "+"):
        reader.doubt("It starts like an option of the shell.")
    return reader.read()


def is_assignment(word: Word) -> bool:
    """Tell whether a word before a program's name would set a variable."""
    return _ASSIGNMENT.match(word.text) is not None


class _Reader:
    """One pass over a text.

    Args:
        text: What to read.
        depth: How many expansions the text lies within.
    """

    def __init__(self, text: str, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._at = 0
        self._doubt = ""
        self._programs: list[Program] = []
        self._joined = ""
        self._words: list[Word] = []
        self._inside: list[Program] = []
        # The word that is being read; none was begun while the list is empty.
        self._parts: list[str] = []
        self._is_live = False
        self._is_target = False

    def doubt(self, reason: str) -> None:
        self._doubt = self._doubt or reason

    def read(self) -> Line:
        text, end = self._text, len(self._text)
        while self._at < end:
            if plain := _PLAIN.match(text, self._at):
                self._parts.append(plain[0])
                self._at = plain.end()
            else:
                _HANDLERS[text[self._at]](self)
        self._end_program("")
        if self._joined in _UNFINISHED:
            self.doubt("An operator has nothing after it.")
        if not self._programs:
            self.doubt("There is no program in it.")
        return Line(tuple(self._programs), self._doubt)

    # --- words and programs ---

    def _end_word(self) -> None:
        if not self._parts:
            return
        text = "".join(self._parts)
        if self._is_target:
            self._is_target = False
        elif text in ("{", "}") and self._is_live:
            self._parts, self._is_live = [], False
            self._end_program(text)
        else:
            self._words.append(Word(text, self._is_live))
        self._parts, self._is_live = [], False

    def _end_program(self, operator: str) -> None:
        self._end_word()
        self._is_target = False
        words = self._words
        while words and words[0].text in _KEYWORDS:
            keyword = words.pop(0).text
            self.doubt(f"It has the shell's keyword {keyword}.")
            # What follows `! a &&` runs when a failed.
            operator = ";" if keyword == "!" else operator
        if not words and self._inside:
            words.append(Word("", True))
        if words:
            self._check_name(words[0])
            self._programs.append(Program(tuple(words), self._joined, tuple(self._inside)))
            self._words, self._inside = [], []
            self._joined = operator or ";"
        elif operator not in ("", "\n"):
            self.doubt("An operator has nothing before it.")

    def _check_name(self, name: Word) -> None:
        if is_assignment(name):
            self.doubt("It sets a variable.")
        elif not name.text:
            self.doubt("A program has no name.")
        elif name.text[0] == "%":
            self.doubt("It names a job.")

    # --- what a character does ---

    def _blank(self) -> None:
        self._end_word()
        self._at += 1

    def _newline(self) -> None:
        self._end_program("\n")
        self._at += 1

    def _operator(self) -> None:
        if self._text.startswith("&>", self._at):
            self._redirection()
        elif found := _OPERATOR.match(self._text, self._at):
            self._end_program(found[0])
            self._at = found.end()

    def _group(self) -> None:
        self.doubt("It has parentheses.")
        self._end_program(self._text[self._at])
        self._at += 1

    def _redirection(self) -> None:
        self.doubt("It has a redirection.")
        if "".join(self._parts).isdecimal():
            self._parts = []
        self._end_word()
        if found := _REDIRECTION.match(self._text, self._at):
            self._at = found.end()
        self._is_target = True

    def _single(self) -> None:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self.doubt(_UNCLOSED)
            end = len(self._text)
        self._parts.append(self._text[self._at + 1 : end])
        self._at = end + 1

    def _double(self) -> None:
        text, end = self._text, len(self._text)
        self._parts.append("")
        self._at += 1
        while self._at < end and text[self._at] != '"':
            if quoted := _QUOTED.match(text, self._at):
                self._parts.append(quoted[0])
                self._at = quoted.end()
            elif text[self._at] == "\\":
                self._escape_in_double()
            elif text[self._at] == "`":
                self._backquote()
            else:
                self._dollar(is_quoted=True)
        if self._at >= end:
            self.doubt(_UNCLOSED)
        self._at += 1

    def _escape_in_double(self) -> None:
        after = self._text[self._at + 1 : self._at + 2]
        if after != "\n":
            self._parts.append(after if after and after in '$`"\\' else "\\" + after)
        self._at += 2

    def _escape(self) -> None:
        after = self._text[self._at + 1 : self._at + 2]
        if not after:
            self.doubt("It ends with a backslash.")
        if after != "\n":
            self._parts.append(after or "\\")
        self._at += 2

    def _comment(self) -> None:
        self.doubt("It has a hash sign outside quotes.")
        if self._parts:
            self._parts.append("#")
            self._at += 1
        else:
            end = self._text.find("\n", self._at)
            self._at = end if end >= 0 else len(self._text)

    def _live(self) -> None:
        char = self._text[self._at]
        self.doubt(_LIVE[char])
        self._parts.append(char)
        self._is_live = True
        self._at += 1

    # --- expansions ---

    def _dollar(self, *, is_quoted: bool = False) -> None:
        self.doubt(_EXPANSION)
        after = self._text[self._at + 1 : self._at + 2]
        if after and after in "({":
            self._bracketed()
        elif after == "'" and not is_quoted and (ansi := _ANSI.match(self._text, self._at)):
            self._parts.append(_ANSI_ESCAPE.sub(_unescaped, ansi[1]))
            self._at = ansi.end()
        elif after == '"' and not is_quoted:
            self._at += 1
        else:
            self._keep(self._at + 1)

    def _bracketed(self) -> None:
        start = self._at + 2
        depth, end, last = 1, len(self._text), len(self._text)
        for found in _BRACKETS.finditer(self._text, start):
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(found[0], 0)
            if depth == 0:
                end, last = found.start(), found.end()
                break
        self._nest(self._text[start:end])
        self._keep(last)

    def _backquote(self) -> None:
        self.doubt(_EXPANSION)
        if found := _BACKQUOTED.match(self._text, self._at):
            self._nest(re.sub(r"\\([`\\$])", r"\1", found[1]))
            self._keep(found.end())

    def _keep(self, end: int) -> None:
        """Leave an expansion in the word as it is written."""
        self._parts.append(self._text[self._at : end])
        self._is_live = True
        self._at = end

    def _nest(self, text: str) -> None:
        if self._depth >= _DEEPEST:
            self.doubt(_TOO_DEEP)
        else:
            self._inside.extend(_Reader(text, self._depth + 1).read().programs)

    HANDLERS: tuple[tuple[str, Callable[[_Reader], None]], ...] = (
        (" \t", _blank),
        ("\n", _newline),
        (";&|", _operator),
        ("()", _group),
        ("<>", _redirection),
        ("'", _single),
        ('"', _double),
        ("\\", _escape),
        ("#", _comment),
        ("$", _dollar),
        ("`", _backquote),
        ("".join(_LIVE), _live),
    )


_HANDLERS = {char: handler for chars, handler in _Reader.HANDLERS for char in chars}


def _unescaped(found: re.Match[str]) -> str:
    hexadecimal, unicode, octal, letter = found.groups()
    if letter is not None:
        return {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b"}.get(
            letter, letter
        )
    return chr(int(hexadecimal or unicode or octal, 8 if octal else 16))
