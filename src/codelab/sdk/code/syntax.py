"""Whether a text is valid Python, JSON, YAML or TOML."""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import re
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec
import yaml

from codelab.sdk.code.elsewhere import read_elsewhere
from codelab.sdk.code.flaws import Flaw

# The parser in C reads a megabyte in a blink; the one in Python would take half a minute.
_YAML_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_SLOW_YAML = 100_000
_TOML_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
# Files with the ending .json that are written for people, with comments in them.
_COMMENTED_JSON = ("tsconfig*.json", "jsconfig*.json", "devcontainer.json", ".vscode/*.json")

# Parsing Python holds up every thread of the process, and brackets or dots without end take a
# parser of YAML or TOML minutes.
_LONGEST_HERE = 20_000
_LONGEST_CHECK_S = 10.0
_THIS = "codelab.sdk.code.syntax"


def language_of(path: str) -> str:
    """Return the language of a file by its ending, or an empty string."""
    return _PARSERS[_ending(path)][0] if _ending(path) in _PARSERS else ""


async def first_flaw(path: str, text: str) -> Flaw | None:
    """Check a file without holding up others; see `flaw_in`."""
    if not language_of(path) or len(text) <= _LONGEST_HERE:
        return await asyncio.to_thread(flaw_in, path, text)
    sent = text.encode("utf-8", "surrogatepass")
    try:
        code, output = await read_elsewhere(_THIS, path, text=sent, within_s=_LONGEST_CHECK_S)
    except TimeoutError:
        return Flaw(message="it takes too long to parse")
    if code:
        return Flaw(message="it cannot be parsed")
    found: Flaw | None = msgspec.json.decode(output, type=Flaw | None)
    return found


def flaw_in(path: str, text: str) -> Flaw | None:
    """Return the first flaw of a Python, JSON, YAML or TOML file; others have none.

    Args:
        path: The file's path; its ending says the language.
        text: Its whole new text.
    """
    if not language_of(path):
        return None
    try:
        return _PARSERS[_ending(path)][1](PurePosixPath(path), text)
    except (RecursionError, MemoryError):
        return Flaw(message="it is nested too deeply")


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _python(path: PurePosixPath, text: str) -> Flaw | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return Flaw(message=error.msg, line=error.lineno or 0, column=error.offset or 0)
    except ValueError as error:
        return Flaw(message=str(error))
    return None


def _json(path: PurePosixPath, text: str) -> Flaw | None:
    if any(path.match(pattern) for pattern in _COMMENTED_JSON):
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Flaw(message=error.msg, line=error.lineno, column=error.colno)
    except ValueError as error:
        return Flaw(message=str(error))
    return None


def _yaml(path: PurePosixPath, text: str) -> Flaw | None:
    is_template = "{{" in text or "{%" in text
    is_slow = _YAML_LOADER is yaml.SafeLoader and len(text) > _LONGEST_SLOW_YAML
    if is_template or is_slow:
        return None
    try:
        # Events only: nothing is constructed, so that no alias can grow.
        for _ in yaml.parse(text, Loader=_YAML_LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return Flaw(
            message=error.problem or "not readable",
            line=mark.line + 1 if mark else 0,
            column=mark.column + 1 if mark else 0,
        )
    except yaml.YAMLError as error:
        return Flaw(message=" ".join(str(error).split()))
    return None


def _toml(path: PurePosixPath, text: str) -> Flaw | None:
    try:
        tomllib.loads(text)
    except ValueError as error:
        # Numbers that are too long are no mistake of TOML's, and have no place.
        found = _TOML_PLACE.search(str(error))
        if found is None:
            return Flaw(message=str(error))
        line, column = map(int, found.groups())
        return Flaw(message=str(error)[: found.start()], line=line, column=column)
    return None


_PARSERS: dict[str, tuple[str, Callable[[PurePosixPath, str], Flaw | None]]] = {
    ".py": ("Python", _python),
    ".pyi": ("Python", _python),
    ".json": ("JSON", _json),
    ".yaml": ("YAML", _yaml),
    ".yml": ("YAML", _yaml),
    ".toml": ("TOML", _toml),
}


def main() -> None:
    """Check the text at the standard input, for another process."""
    gc.disable()
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    sys.stdout.buffer.write(msgspec.json.encode(flaw_in(sys.argv[1], text)))


if __name__ == "__main__":
    main()
