"""Source code as trees: where it is not well formed, and what it imports.

Loaded when it is first needed: the grammars take their time, and many a server never reads one.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import msgspec
import tree_sitter_dart_orchard
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from codelab.sdk.code.flaws import Flaw
from codelab.sdk.code.grammars import Import

_GRAMMARS = {
    "Dart": tree_sitter_dart_orchard.language,
    "Go": tree_sitter_go.language,
    "Java": tree_sitter_java.language,
    "JavaScript": tree_sitter_javascript.language,
    "Python": tree_sitter_python.language,
    "Rust": tree_sitter_rust.language,
    "TypeScript": tree_sitter_typescript.language_typescript,
    "TSX": tree_sitter_typescript.language_tsx,
}
_SCRIPT = """
(import_statement source: (string) @text)
(export_statement source: (string) @text)
(call_expression function: (import) arguments: (arguments . (string) @text))
(call_expression function: (identifier) @called arguments: (arguments . (string) @text)
  (#eq? @called "require"))
"""
_TYPED_SCRIPT = f"{_SCRIPT}(import_require_clause source: (string) @text)"
_QUERIES = {
    "Dart": "(uri (string_literal) @text)",
    "Go": "(import_spec path: (_) @text)",
    "Java": "(package_declaration) @java (import_declaration) @java",
    "JavaScript": _SCRIPT,
    "Python": """
(import_statement name: (dotted_name) @module)
(import_statement name: (aliased_import name: (dotted_name) @module))
(import_from_statement) @from
""",
    "Rust": "(mod_item !body name: (identifier) @mod) (use_declaration argument: (_) @use)",
    "TypeScript": _TYPED_SCRIPT,
    "TSX": _TYPED_SCRIPT,
}
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))
_JAVA = re.compile(r"(package|import) (static )?([\w.]+?)(\.\*)? ?;")
_AROUND_DOT = re.compile(r" ?\. ?")
# Nobody nests modules deeper, and nobody needs more imports of one file to be followed.
_DEEPEST = 64
_MOST_IMPORTS = 1000
_MOST_NAMES = 200
_MOST_FLAWS = 20


def flaws(language: str, text: str) -> tuple[Flaw, ...]:
    """Return the places where a text is not well formed, in their order; not all if many."""
    data = text.encode("utf-8", "replace")
    root = Parser(_grammar(language)).parse(data).root_node
    if not root.has_error:
        return ()
    unbalanced = _unbalanced(root)
    lines = data.split(b"\n")
    return tuple(_flaw(node, lines, unbalanced) for node in islice(_errors(root), _MOST_FLAWS))


def imports(language: str, text: str) -> tuple[Import, ...]:
    """Return what a text imports, in its order."""
    grammar = _grammar(language)
    root = Parser(grammar).parse(text.encode("utf-8", "replace")).root_node
    captures = QueryCursor(_query(language)).captures(root)
    found = [(node.start_byte, name, node) for name, nodes in captures.items() for node in nodes]
    ordered = sorted(found, key=lambda one: one[0])
    items = (item for _, name, node in ordered for item in _imports_of(name, node))
    return tuple(dict.fromkeys(islice(items, _MOST_IMPORTS)))


def _imports_of(name: str, node: Node) -> Iterator[Import]:
    match name:
        case "text":
            yield Import(module=_text(node).strip("\"'`"))
        case "module":
            yield Import(module=_text(node))
        case "from":
            yield _python_from(node)
        case "java":
            yield from _java(node)
        case "mod":
            yield Import(module=_text(node), kind="declared")
        case "use":
            for path in _rust_paths(node):
                yield Import(module="::".join(path))
        case _:
            return


def _python_from(node: Node) -> Import:
    module = node.child_by_field_name("module_name")
    written = _text(module) if module else ""
    named = node.children_by_field_name("name")[:_MOST_NAMES]
    names = [one.child_by_field_name("name") or one for one in named]
    stripped = written.replace(" ", "").lstrip(".")
    level = len(written.replace(" ", "")) - len(stripped)
    return Import(module=stripped, names=tuple(map(_text, names)), level=level)


def _java(node: Node) -> Iterator[Import]:
    match = _JAVA.match(_AROUND_DOT.sub(".", " ".join(_text(node).split())))
    if match is None:
        return
    keyword, static, module, star = match.groups()
    if keyword == "package":
        yield Import(module=module, kind="package")
    elif static:
        yield Import(module=module if star else module.rpartition(".")[0])
    else:
        yield Import(module=module, names=("*",) if star else ())


def _rust_paths(root: Node) -> Iterator[tuple[str, ...]]:
    """Spell out the paths of a use tree, as far as it is no deeper than modules are."""
    waiting: list[tuple[Node, tuple[str, ...]]] = [(root, ())]
    while waiting:
        node, before = waiting.pop()
        inner: Sequence[Node | None] = ()
        match node.type:
            case "use_list":
                inner = node.named_children
            case "scoped_use_list":
                path = node.child_by_field_name("path")
                before = (*before, *_text(path).split("::")) if path else before
                inner = (node.child_by_field_name("list"),)
            case "use_as_clause" | "use_wildcard":
                first = next(iter(node.named_children), None)
                inner = (node.child_by_field_name("path") or first,)
            case "self" if before:
                yield before
            case _:
                parts = [part.strip() for part in _text(node).split("::")]
                if len(before) + len(parts) <= _DEEPEST:
                    yield (*before, *parts)
        if len(before) <= _DEEPEST:
            waiting += [(one, before) for one in reversed(inner) if one is not None]


def _errors(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        inner = [one for one in node.children if one.has_error or one.is_missing]
        if node.is_error or node.is_missing or not inner:
            yield node
        else:
            waiting += reversed(inner)


def _flaw(node: Node, lines: Sequence[bytes], unbalanced: bool) -> Flaw:
    row, column = node.start_point
    # Trees count bytes, people characters.
    before = lines[row][:column].decode("utf-8", "replace")
    message = f"{node.type!r} is missing" if node.is_missing else "this cannot be read"
    return Flaw(message=message, line=row + 1, column=len(before) + 1, unbalanced=unbalanced)


def _unbalanced(root: Node) -> bool:
    """Tell whether brackets are left open or closed too often, those in texts not counted."""
    counts: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.child_count:
            waiting.extend(node.children)
        elif not node.is_missing:
            counts[node.type] += 1
    # In a template text, `${` opens what `}` closes.
    counts["{"] += counts["${"] + counts["#{"]
    return any(counts[opening] != counts[closing] for opening, closing in _PAIRS)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


@lru_cache
def _grammar(language: str) -> Language:
    return Language(_GRAMMARS[language]())


@lru_cache
def _query(language: str) -> Query:
    return Query(_grammar(language), _QUERIES[language])


def main() -> None:
    """Answer one question about the text at the standard input, for another process."""
    question, language = sys.argv[1:]
    text = sys.stdin.buffer.read().decode()
    answer = {"flaws": flaws, "imports": imports}[question](language, text)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
