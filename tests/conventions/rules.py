"""The house rules that a machine can check: functions from files to complaints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST_FILE = 400
BANNED_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
LAZY_LIBRARY = "litellm"

# What a module shows to the others, and the places that are made to see everything.
FRONT_DOOR = {"api", "errors", "events"}
OPEN_PACKAGES = {"kit", "sdk"}
COMPOSITION = {"__main__", "app", "cli", "demo", "plugins", "settings"}

# Spelled so that this file keeps its own rules.
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X{3})\b")
REGISTRIES = re.compile(
    r"\bpy(pi|thonhosted)\.org\b|\bregistry\.(npm|yarn)\w*\.|\b(deb|security)\.debian\."
)


def too_long(path: Path) -> Iterator[str]:
    """A file that should be split."""
    length = len(path.read_text("utf-8").splitlines())
    if length > LONGEST_FILE:
        yield f"{path}: {length} lines, the cap is {LONGEST_FILE}"


def vague_names(path: Path) -> Iterator[str]:
    """A module or class whose name says nothing about its contents."""
    if BANNED_WORDS & words(path.stem):
        yield f"{path}: rename the module after what it holds"
    if path.name == "__init__.py" and BANNED_WORDS & words(path.parent.name):
        yield f"{path}: rename the package after what it holds"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ClassDef) and BANNED_WORDS & words(node.name):
            yield f"{path}:{node.lineno}: rename {node.name} after what it does"


def logic_in_init(path: Path) -> Iterator[str]:
    """An `__init__.py` that does more than name and gather."""
    if path.name != "__init__.py":
        return
    for number, node in enumerate(parsed(path).body):
        if number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if {ast.unparse(target) for target in targets} <= {"__all__", "__version__"}:
                continue
        yield f"{path}:{node.lineno}: an __init__.py holds imports only"


def imports_in_functions(path: Path) -> Iterator[str]:
    """An import that hides inside a function, the slow library's excepted."""
    for function in ast.walk(parsed(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for line, name in imports(function):
            if name.partition(".")[0] != LAZY_LIBRARY:
                yield f"{path}:{line}: import {name} at the top of the file"


def unfinished_work(path: Path) -> Iterator[str]:
    """A note that something is missing: do it, or open an issue."""
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: finish this"


def registry_hosts(path: Path) -> Iterator[str]:
    """The address of a package index, which is the installing machine's own business."""
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if REGISTRIES.search(line):
            yield f"{path}:{number}: names a package index"


def machine_paths(path: Path, places: Iterable[Path]) -> Iterator[str]:
    """A path that exists only where the file was written.

    Args:
        path: The file to check.
        places: Folders of this machine that no file has a reason to name.
    """
    for number, line in enumerate(text_of(path).splitlines(), 1):
        for place in places:
            if re.search(re.escape(str(place)) + r"(?![\w.-])", line):
                yield f"{path}:{number}: names a folder of one machine"


def back_doors(path: Path, source: Path) -> Iterator[str]:
    """An import that goes past another module's front door.

    Args:
        path: The importing file.
        source: The folder that holds the package codelab.
    """
    importer = module_name(path, source)
    home = importer.split(".")[1] if "." in importer else ""
    for line, name in imports(parsed(path)):
        owner, door = (*name.split("."), "", "", "")[1:3]
        if not name.startswith("codelab.") or owner in {home, *OPEN_PACKAGES}:
            continue
        if door == "models":
            yield f"{path}:{line}: {name} is private to {owner}"
        elif home not in COMPOSITION and door not in FRONT_DOOR:
            yield f"{path}:{line}: {name} is not part of {owner}'s front door"


def privileged_plugins(path: Path, package: str) -> Iterator[str]:
    """A plugin, built in or not, that uses more of CodeLab than every plugin may.

    Args:
        path: The plugin's file.
        package: The plugin's own package, as it is imported.
    """
    for line, name in imports(parsed(path)):
        allowed = ("codelab.sdk", package)
        if name.partition(".")[0] == "codelab" and not is_inside(name, allowed):
            yield f"{path}:{line}: a plugin imports codelab.sdk only, not {name}"


def untested_modules(source: Path, tests: Path) -> Iterator[str]:
    """A module of the package whose tests are not where everybody looks for them."""
    for module in sorted(source.iterdir()):
        if module.is_dir() and any(module.rglob("*.py")):
            if not any((tests / module.name).rglob("test_*.py")):
                yield f"{module}: no test in {tests / module.name}"
        elif module.suffix == ".py" and not module.name.startswith("__"):
            places = (tests / f"test_{module.name}", tests / module.stem)
            if not any(place.exists() for place in places):
                yield f"{module}: no test in {places[0]}"


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import below a node, as (line, dotted name of what is imported)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def is_inside(name: str, packages: Iterable[str]) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def module_name(path: Path, source: Path) -> str:
    """The name under which a file of the package is imported."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def words(name: str) -> set[str]:
    """The words that a name is made of, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def parsed(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


def text_of(path: Path) -> str:
    """The file's text; a picture or another binary has none."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", "replace")
