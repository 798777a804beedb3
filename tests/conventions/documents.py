"""The examples of our documents, so that tests can run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_PART = re.compile(r"^## (?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(?P<left>[^`]+)` \| (?P<right>.+?) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A code block, and the table below it that says what follows from it."""

    title: str
    code: str
    claims: tuple[tuple[str, str], ...]


def examples(document: str, language: str) -> Iterator[Example]:
    """Go through the parts of a document that have a block of a language."""
    block = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for part in _PART.finditer((DOCS / document).read_text("utf-8")):
        if code := block.search(part["body"]):
            rest = part["body"][code.end() :]
            claims = tuple((row["left"], row["right"].strip("`")) for row in _ROW.finditer(rest))
            yield Example(part["title"], code[1], claims)
