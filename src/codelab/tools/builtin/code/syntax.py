"""Whether a file's text is valid in its language, before a human is asked about it."""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath

import yaml

from codelab.sdk import ToolError
from codelab.tools.builtin.code.elsewhere import read_elsewhere

# The parser in C reads a megabyte in a blink; the one in Python would take half a minute.
_YAML_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_SLOW_YAML = 100_000
# Files with the ending .json that are written for people, with comments in them.
_COMMENTED_JSON = ("tsconfig*.json", "jsconfig*.json", "devcontainer.json", ".vscode/*.json")


# Parsing Python holds up every thread of the process, and brackets or dots without end take a
# parser of YAML or TOML minutes.
_LONGEST_HERE = 20_000
_LONGEST_CHECK_S = 10.0
_THIS = "codelab.tools.builtin.code.syntax"


async def check(path: str, text: str) -> None:
    """Check a file without holding up others; see `problem_in`.

    Raises:
        ToolError: It is not valid; names the line and the problem.
    """
    language, _ = _PARSERS.get(_ending(path), ("", None))
    if language and len(text) > _LONGEST_HERE:
        problem = await _checked_elsewhere(path, text)
    else:
        problem = await asyncio.to_thread(problem_in, path, text)
    if problem:
        raise ToolError(f"{path} would not be valid {language}: {problem}. Mend it and try again.")


def problem_in(path: str, text: str) -> str:
    """Name the line and the problem of a Python, JSON, YAML or TOML file; others have none.

    Args:
        path: The file's path; its ending says the language.
        text: Its whole new text.
    """
    _, parse = _PARSERS.get(_ending(path), ("", None))
    if parse is None:
        return ""
    try:
        return parse(PurePosixPath(path), text)
    except (RecursionError, MemoryError):
        return "it is nested too deeply"


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


async def _checked_elsewhere(path: str, text: str) -> str:
    sent = text.encode("utf-8", "surrogatepass")
    try:
        _, output = await read_elsewhere(_THIS, path, text=sent, within_s=_LONGEST_CHECK_S)
    except TimeoutError:
        return "it takes too long to parse"
    return output.decode("utf-8", "replace").strip()


def _python(path: PurePosixPath, text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:
        return str(error)
    return ""


def _json(path: PurePosixPath, text: str) -> str:
    if any(path.match(pattern) for pattern in _COMMENTED_JSON):
        return ""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except ValueError as error:
        return str(error)
    return ""


def _yaml(path: PurePosixPath, text: str) -> str:
    is_template = "{{" in text or "{%" in text
    is_slow = _YAML_LOADER is yaml.SafeLoader and len(text) > _LONGEST_SLOW_YAML
    if is_template or is_slow:
        return ""
    try:
        # Events only: nothing is constructed, so that no alias can grow.
        for _ in yaml.parse(text, Loader=_YAML_LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return f"{where}{error.problem or 'not readable'}"
    except yaml.YAMLError as error:
        return " ".join(str(error).split())
    return ""


def _toml(path: PurePosixPath, text: str) -> str:
    try:
        tomllib.loads(text)
    except ValueError as error:
        # Numbers that are too long are no mistake of TOML's.
        return str(error)
    return ""


_PARSERS: dict[str, tuple[str, Callable[[PurePosixPath, str], str] | None]] = {
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
    sys.stdout.buffer.write(problem_in(sys.argv[1], text).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
