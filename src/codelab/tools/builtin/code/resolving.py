"""Where in a workspace the files are that a file imports: candidates, the likeliest first. Pure."""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from codelab.sdk.code.grammars import Import

# The files that say what the names of a project mean, by language.
MANIFESTS = {
    "Dart": ("pubspec.yaml",),
    "Go": ("go.mod",),
    "JavaScript": ("tsconfig.json", "jsconfig.json"),
    "TypeScript": ("tsconfig.json", "jsconfig.json"),
    "TSX": ("tsconfig.json", "jsconfig.json"),
}
_ENDINGS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".vue", ".json")
# What is written with the ending of what it will be compiled to.
_COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_JAVA_ROOTS = ("src/main/java", "src/test/java", "src", "")
# What is not closed ends with the text, so that nothing is read again and again.
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_TRAILING = re.compile(r",(\s*+[}\]])")
# Bounds for what nobody writes but to hold up a server.
_DEEPEST = 64
_LONGEST_PATH = 1000
_MOST_PATTERNS = 200
_MOST_TARGETS = 20
_MOST_CANDIDATES = 20_000


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A file that says what the names of a project mean, and its folder; empty for the root."""

    folder: str = ""
    text: str = ""


def related(
    language: str,
    path: str,
    imports: Sequence[Import],
    manifest: Manifest,
    exists: Callable[[str], bool],
) -> tuple[str, ...]:
    """Return the files and folders that a file imports, each once, in its order.

    Args:
        language: The file's language.
        path: The file.
        imports: What it imports.
        manifest: The nearest file that says what names mean, if its language has any.
        exists: Tells whether there is such a path; a folder's ends with a slash.
    """
    found: dict[str, None] = {}
    for group in candidates(language, path, imports, manifest):
        first = next((one for one in group if exists(one)), None)
        if first is not None and first != path:
            found[first] = None
    return tuple(found)


def candidates(
    language: str, path: str, imports: Sequence[Import], manifest: Manifest
) -> list[tuple[str, ...]]:
    """Return for each thing that is imported where it may be, the likeliest place first."""
    groups: list[tuple[str, ...]] = []
    count = 0
    for group in _RULES[language](path, imports, manifest):
        kept = tuple(_inside(group))
        groups += [kept] if kept else []
        count += len(kept) + 1
        if count > _MOST_CANDIDATES:
            break
    return groups


def folders_above(path: str) -> list[str]:
    """Return the folders that a file is in, the nearest first and the root, empty, last."""
    names = path.split("/")[:-1]
    nearest = range(len(names), 0, -1)[:_DEEPEST]
    return ["/".join(names[:end]) for end in (*nearest, 0)]


def _inside(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if len(path) > _LONGEST_PATH:
            continue
        plain = posixpath.normpath(path)
        if plain != "." and not plain.startswith(("/", "..")):
            yield f"{plain}/" if path.endswith("/") else plain


def _python(path: str, imports: Sequence[Import], _: Manifest) -> Iterator[list[str]]:
    above = folders_above(path)
    everywhere = [place for folder in above for place in (folder, posixpath.join(folder, "src"))]
    for item in imports:
        parts = item.module.split(".") if item.module else []
        if not item.level and parts and parts[0] in sys.stdlib_module_names:
            continue
        roots = above[item.level - 1 : item.level] if item.level else everywhere
        module = "/".join(parts)
        for name in item.names or ("",):
            inner = [posixpath.join(root, module, name) for root in roots] if name else []
            outer = [posixpath.join(root, module) for root in roots]
            yield [
                *(file for one in inner for file in (f"{one}.py", f"{one}/__init__.py")),
                *(file for one in outer for file in (f"{one}.py", f"{one}/__init__.py")),
            ]


def _script(path: str, imports: Sequence[Import], manifest: Manifest) -> Iterator[list[str]]:
    options = _options(manifest)
    for item in imports:
        if item.module.startswith("."):
            starts = [posixpath.join(posixpath.dirname(path), item.module)]
        else:
            starts = list(_mapped(item.module, manifest, options))
        yield [file for start in starts for file in _script_files(start)]


def _script_files(start: str) -> Iterator[str]:
    stem, ending = posixpath.splitext(start)
    yield from (stem + other for other in _COMPILED.get(ending, ()))
    if ending:
        yield start
    yield from (start + one for one in _ENDINGS)
    yield from (posixpath.join(start, f"index{one}") for one in _ENDINGS)


def _options(manifest: Manifest) -> Any:
    plain = _TRAILING.sub(r"\1", _COMMENTS.sub(lambda found: found[1] or "", manifest.text))
    try:
        return json.loads(plain or "{}")["compilerOptions"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _mapped(module: str, manifest: Manifest, options: Any) -> Iterator[str]:
    """Look a name up in the paths of a tsconfig."""
    try:
        start = posixpath.join(manifest.folder, options.get("baseUrl", "."))
        for pattern, targets in islice(options.get("paths", {}).items(), _MOST_PATTERNS):
            before, star, after = pattern.partition("*")
            fits = module.startswith(before) and module.endswith(after) if star else False
            if fits and len(module) >= len(before) + len(after):
                middle = module[len(before) : len(module) - len(after)]
                found = (one.replace("*", middle) for one in targets[:_MOST_TARGETS])
                yield from (posixpath.join(start, one) for one in found)
            elif module == pattern:
                yield from (posixpath.join(start, one) for one in targets[:_MOST_TARGETS])
        if "baseUrl" in options:
            yield posixpath.join(start, module)
    except (ValueError, TypeError, AttributeError):
        return


def _go(_: str, imports: Sequence[Import], manifest: Manifest) -> Iterator[list[str]]:
    found = re.search(r"^module\s+\"?([^\s\"]+)", manifest.text, re.MULTILINE)
    if found is None:
        return
    for item in imports:
        if f"{item.module}/".startswith(f"{found[1]}/"):
            yield [posixpath.join(manifest.folder, item.module[len(found[1]) + 1 :]) + "/"]


def _rust(path: str, imports: Sequence[Import], _: Manifest) -> Iterator[list[str]]:
    folder, name = posixpath.split(path)
    stem = name.removesuffix(".rs")
    # The folder of what is inside this module.
    inside = folder if stem in ("mod", "lib", "main") else posixpath.join(folder, stem)
    crate = next((one for one in folders_above(path) if posixpath.basename(one) == "src"), folder)
    for item in imports:
        first, *rest = item.module.split("::")
        if item.kind == "declared":
            yield _rust_files(inside, [first], own=False)
        elif first == "crate":
            yield _rust_files(crate, rest, own=True)
        elif first == "super":
            start = posixpath.dirname(inside)
            while rest[:1] == ["super"]:
                start, rest = posixpath.dirname(start), rest[1:]
            yield _rust_files(start, rest, own=True)
        else:
            yield _rust_files(inside, rest if first == "self" else [first, *rest], own=False)


def _rust_files(start: str, parts: Sequence[str], *, own: bool) -> list[str]:
    files = []
    for length in range(len(parts), 0, -1):
        module = posixpath.join(start, *parts[:length])
        files += [f"{module}.rs", f"{module}/mod.rs"]
    if own:
        names = ("mod.rs", "lib.rs", "main.rs")
        files += [
            *([f"{start}.rs"] if start else []),
            *(posixpath.join(start, one) for one in names),
        ]
    return files


def _java(path: str, imports: Sequence[Import], _: Manifest) -> Iterator[list[str]]:
    folder = posixpath.dirname(path)
    package = next((one.module for one in imports if one.kind == "package"), "")
    inner = package.replace(".", "/")
    start = folder.removesuffix(inner).rstrip("/") if inner else folder
    roots = [start]
    for root in _JAVA_ROOTS[:2]:
        if start.endswith(root):
            roots += [start.removesuffix(root) + other for other in _JAVA_ROOTS[:2]]
    for item in imports:
        if item.kind == "package":
            continue
        name = item.module.replace(".", "/")
        places = [posixpath.join(root, name) for root in [*roots, *_JAVA_ROOTS]]
        if item.names:
            yield [f"{place}/" for place in places]
        else:
            # The last name may be that of a class inside another one.
            yield [f"{one}.java" for one in [*places, *map(posixpath.dirname, places)] if one]


def _dart(path: str, imports: Sequence[Import], manifest: Manifest) -> Iterator[list[str]]:
    named = re.search(r"^name:\s*[\"']?(\w+)", manifest.text, re.MULTILINE)
    own = f"package:{named[1]}/" if named else "package:/"
    for item in imports:
        if item.module.startswith(own):
            yield [posixpath.join(manifest.folder, "lib", item.module.removeprefix(own))]
        elif ":" not in item.module:
            yield [posixpath.join(posixpath.dirname(path), item.module)]


_RULES: dict[str, Callable[[str, Sequence[Import], Manifest], Iterable[Iterable[str]]]] = {
    "Dart": _dart,
    "Go": _go,
    "Java": _java,
    "JavaScript": _script,
    "Python": _python,
    "Rust": _rust,
    "TSX": _script,
    "TypeScript": _script,
}
