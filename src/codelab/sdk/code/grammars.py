"""Which languages can be read as trees; the trees themselves are loaded when first needed."""

from __future__ import annotations

import asyncio
import importlib
from functools import cache
from pathlib import PurePosixPath
from typing import Any, Literal

import msgspec

from codelab.sdk import ToolError
from codelab.sdk.code.elsewhere import read_elsewhere
from codelab.sdk.code.flaws import Flaw

LONGEST_TEXT = 300_000

# Reading a tree holds up every thread of the process, and takes minutes where somebody wants it to:
# the time grows with the square of the brackets that are left open.
_LONGEST_HERE = 4_000
_LONGEST_S = 5.0
_TREES = "codelab.sdk.code.trees"

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
# The grammars that are good enough to tell of flaws; Python has a parser of its own.
WELL_KNOWN = frozenset({"Go", "Java", "JavaScript", "Rust", "TSX", "TypeScript"})


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


def language_of(path: str) -> str:
    """Return the language of a file by its ending, or an empty string."""
    return _LANGUAGES.get(PurePosixPath(path).suffix.lower(), "")


async def flaws(language: str, text: str) -> tuple[Flaw, ...]:
    """Return the places where a text is not well formed, in their order; not all if many.

    Raises:
        ToolError: Finding out takes too long.
    """
    found: tuple[Flaw, ...] = await _asked("flaws", tuple[Flaw, ...], language, text)
    return found


async def imports(language: str, text: str) -> tuple[Import, ...]:
    """Return what a text imports, in its order.

    Raises:
        ToolError: Finding out takes too long.
    """
    found: tuple[Import, ...] = await _asked("imports", tuple[Import, ...], language, text)
    return found


async def _asked(question: str, kind: Any, language: str, text: str) -> Any:
    """Ask for something about a text, in a process of its own unless it is short."""
    if len(text) <= _LONGEST_HERE:
        return await asyncio.to_thread(getattr(_trees(), question), language, text)
    sent = text.encode("utf-8", "replace")
    try:
        code, output = await read_elsewhere(
            _TREES, question, language, text=sent, within_s=_LONGEST_S
        )
    except TimeoutError:
        raise ToolError(f"This {language} text takes too long to read as a tree.") from None
    if code:
        raise ToolError(f"This {language} text cannot be read as a tree.")
    return msgspec.json.decode(output, type=kind)


@cache
def _trees() -> Any:
    return importlib.import_module(_TREES)
