"""The terms of a text: identifiers taken apart, words brought to their stems; pure."""

from __future__ import annotations

import re
from itertools import chain

import Stemmer

# Longer ones are keys, hashes and encoded data, which nobody asks for.
_LONGEST = 80
_WORD = re.compile(r"\w+")
# Leaves the words of an ASCII text apart by blanks, in a quarter of the time the pattern takes.
_BLANKS = "".join(one if _WORD.match(one) else " " for one in map(chr, range(128)))
# The humps of camelCase, with runs of capitals as one, digits, and letters that know no case.
_PART = re.compile(r"[A-ZА-ЯЁ]+(?![a-zа-яё])|[A-ZА-ЯЁ]?[a-zа-яё]+|[0-9]+|[^\W\d_A-Za-zА-Яа-яЁё]+")
_REMEMBERED = 200_000
# Words that tell nothing, in the two languages that comments are written in here.
_ENGLISH_STOP = """
    a about all also an and any are as at be been but by can could did do does for from had
    has have how if in into is it its just may not of on only or our out should so some such
    than that the their them then there these they this those to up use used uses using was we
    were what when where which while who why will with would you your
"""
_RUSSIAN_STOP = """
    а без был была были было в во вы где да для до его ее если есть еще ещё же за и из или им
    их к как ко когда который ли мы на над не него нет ни но о об он она они от по под при с
    со так такой там то того тоже той только том у уже что чтобы эта эти это этот я
"""
_STOP = frozenset([*_ENGLISH_STOP.split(), *_RUSSIAN_STOP.split()])


_ENGLISH = Stemmer.Stemmer("english")
_RUSSIAN = Stemmer.Stemmer("russian")


def terms(text: str) -> list[str]:
    """Return the terms of a text in their order, as often as they occur.

    An identifier of several words gives each word, stemmed, and itself in lower case without its
    underscores: `parseHTTPHeader` gives `pars`, `http`, `header` and `parsehttpheader`.
    """
    return list(chain.from_iterable(map(_known.__getitem__, _words(text))))


def words(text: str) -> list[str]:
    """Find the words and identifiers of a text, as they are written."""
    return [word for word in _words(text) if len(word) <= _LONGEST]


def terms_of_word(word: str) -> tuple[str, ...]:
    """Return the terms of one word or identifier; none for one that is too long."""
    return _known[word]


def _words(text: str) -> list[str]:
    return text.translate(_BLANKS).split() if text.isascii() else _WORD.findall(text)


class _Known(dict[str, tuple[str, ...]]):
    """The terms of the words that were asked for; most words of a project are asked for often."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(word) > _LONGEST:
            return ()
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[word] = _terms_of_word(word)
        return found


_known = _Known()


def _terms_of_word(word: str) -> tuple[str, ...]:
    parts = [part.lower() for part in _PART.findall(word)]
    found = [_stem(part) for part in parts if _tells(part)]
    if len(parts) > 1:
        found.append("".join(parts))
    return tuple(found)


def parts_of_word(word: str) -> tuple[str, ...]:
    """Return the words that an identifier is made of, in lower case and unstemmed."""
    return tuple(part for part in map(str.lower, _PART.findall(word)) if _tells(part))


def _tells(part: str) -> bool:
    return part not in _STOP and (len(part) > 1 or not part.isascii() or part.isdigit())


def _stem(part: str) -> str:
    if part.isascii():
        return str(_ENGLISH.stemWord(part)) if part.isalpha() else part
    return str(_RUSSIAN.stemWord(part))
