"""Which languages can be read as trees; the trees themselves are loaded when first needed."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import PurePosixPath
from typing import Any, Literal

import msgspec

# Reading a tree holds up every thread of the process.
LONGEST_TEXT = 300_000

_LANGUAGES = {
    ".cjs": "JavaScript",
    ".cts": "TypeScript",
    ".dart": "Dart",
    ".go": "Go",
    ".java": "Java",
    ".js": "JavaScript",
    ".jsx": "JavaScript",
    ".mjs": "JavaScript",
    ".mts": "TypeScript",
    ".py": "Python",
    ".pyi": "Python",
    ".rs": "Rust",
    ".ts": "TypeScript",
    ".tsx": "TSX",
}


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a file imports, as it is written there.

    Args:
        module: The module, the path or the address.
        names: What of it, where that may be a file as well; `*` for all of it.
        level: How many dots there are before it, in Python.
        kind: Whether it is declared here and its text is elsewhere, or is the file's own package.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    kind: Literal["import", "declared", "package"] = "import"


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text is not well formed; lines and columns start at 1.

    Args:
        missing: What should be there, if that is known.
        unbalanced: Whether the text has brackets that are not closed, or not opened.
    """

    line: int
    column: int
    missing: str = ""
    unbalanced: bool = False


def language_of(path: str) -> str:
    """Return the language of a file by its ending, or an empty string."""
    return _LANGUAGES.get(PurePosixPath(path).suffix.lower(), "")


def first_flaw(language: str, text: str) -> Flaw | None:
    """Return the first place where a text is not well formed; none where it is."""
    found: Flaw | None = _trees().first_flaw(language, text)
    return found


def imports(language: str, text: str) -> tuple[Import, ...]:
    """Return what a text imports, in its order."""
    found: tuple[Import, ...] = _trees().imports(language, text)
    return found


@cache
def _trees() -> Any:
    return importlib.import_module("codelab.tools.builtin.code.trees")
