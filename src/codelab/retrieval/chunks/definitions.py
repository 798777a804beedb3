"""What a source file defines, read from its syntax tree.

Loaded by the indexer alone: the grammars take their time and their memory.
"""

from __future__ import annotations

from functools import cache

import tree_sitter_bash
import tree_sitter_c
import tree_sitter_c_sharp
import tree_sitter_cpp
import tree_sitter_dart_orchard
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_kotlin
import tree_sitter_php
import tree_sitter_python
import tree_sitter_ruby
import tree_sitter_rust
import tree_sitter_scala
import tree_sitter_swift
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from codelab.retrieval.chunks.chunking import Definition, Kind

_GRAMMARS = {
    "Bash": tree_sitter_bash.language,
    "C": tree_sitter_c.language,
    "C#": tree_sitter_c_sharp.language,
    "C++": tree_sitter_cpp.language,
    "Dart": tree_sitter_dart_orchard.language,
    "Go": tree_sitter_go.language,
    "Java": tree_sitter_java.language,
    "JavaScript": tree_sitter_javascript.language,
    "Kotlin": tree_sitter_kotlin.language,
    "PHP": tree_sitter_php.language_php,
    "Python": tree_sitter_python.language,
    "Ruby": tree_sitter_ruby.language,
    "Rust": tree_sitter_rust.language,
    "Scala": tree_sitter_scala.language,
    "Swift": tree_sitter_swift.language,
    "TSX": tree_sitter_typescript.language_tsx,
    "TypeScript": tree_sitter_typescript.language_typescript,
}
_KINDS: dict[Kind, str] = {
    "class": """
        annotation_type_declaration class class_declaration class_definition class_specifier
        abstract_class_declaration companion_object enum_declaration enum_definition enum_item
        enum_specifier extension_declaration extension_definition extension_type_declaration
        impl_item interface_declaration mixin_declaration object_declaration object_definition
        protocol_declaration record_declaration singleton_class struct_declaration struct_item
        struct_specifier trait_declaration trait_definition trait_item union_item union_specifier
    """,
    "function": """
        function_declaration function_definition function_item function_signature
        function_signature_item generator_function_declaration local_function_statement
        macro_declaration macro_definition preproc_function_def
    """,
    "method": """
        abstract_method_signature compact_constructor_declaration constructor_declaration
        constructor_signature deinit_declaration destructor_declaration
        factory_constructor_signature getter_signature init_declaration method method_declaration
        method_definition method_signature operator_declaration property_declaration
        protocol_function_declaration secondary_constructor setter_signature singleton_method
        subscript_declaration
    """,
    "type": """
        alias_declaration concept_definition delegate_declaration type_alias
        type_alias_declaration type_definition type_item type_spec typealias_declaration
    """,
    "module": """
        file_scoped_namespace_declaration internal_module mod_item module namespace_declaration
        namespace_definition package_object
    """,
    "constant": "const_item const_spec preproc_def static_item val_definition var_spec",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_DEFINING = frozenset({*_KIND_OF, "variable_declarator"})
_FUNCTION_VALUES = frozenset({"arrow_function", "class", "function_expression"})
_NAMES = frozenset(
    {
        *("constant", "field_identifier", "identifier", "name", "operator_name"),
        *("property_identifier", "qualified_identifier", "simple_identifier", "type_identifier"),
        *("destructor_name", "private_property_identifier", "scope_resolution", "word"),
        *("namespace_identifier", "nested_namespace_specifier"),
    }
)
# Hold definitions that fit into a line. Only those at the top of a file are worth being named.
_HOLDERS = frozenset({"const_declaration", "export_statement", "lexical_declaration"})
_HOLDERS |= frozenset({"template_declaration", "type_declaration", "var_declaration"})
_OUTERMOST = 2
_LONGEST_NAME = 200
_MOST = 5000
# Deeper than anybody nests by hand.
_DEEPEST = 60
# A node to be looked at, with what it lies in and how deep.
_Waiting = tuple[Node, Definition | None, int]


def is_known(language: str) -> bool:
    """Tell whether there is a grammar for a language."""
    return language in _GRAMMARS


def definitions(language: str, data: bytes) -> list[Definition]:
    """Return what a file defines in the order of its lines; the first ones, if there are many."""
    found: list[Definition] = []
    root = _parser(language).parse(data).root_node
    has_lines = root.end_point[0] > root.start_point[0]
    waiting: list[_Waiting] = [(root, None, 0)] if has_lines else []
    while waiting and len(found) < _MOST:
        node, within, depth = waiting.pop()
        definition = _definition(node, within) if depth and node.type in _DEFINING else None
        # A signature says once more what the whole around it has said.
        if definition and not (within and _is_same(definition, within)):
            found.append(definition)
            within = definition
        if depth < _DEEPEST:
            waiting += _inside(node, within, depth + 1)
    return sorted(found, key=lambda one: (one.first, -one.last))


def _definition(node: Node, within: Definition | None) -> Definition | None:
    kind = _kind(node)
    name = _name(node) if kind else ""
    if not kind or not name:
        return None
    if kind == "function" and within and within.kind == "class":
        kind = "method"
    first, last = node.start_point[0] + 1, node.end_point[0] + 1
    # What ends with its line's end ends before the next line begins.
    if last > first and node.end_point[1] == 0:
        last -= 1
    container = within.name if within else ""
    return Definition(name=name, kind=kind, first=first, last=last, container=container)


def _is_same(one: Definition, outer: Definition) -> bool:
    return (one.name, one.first) == (outer.name, outer.first)


def _inside(node: Node, within: Definition | None, depth: int) -> list[_Waiting]:
    """Return what defines something or may hold what does, the first one last.

    Most nodes do neither; whatever is done for each of them takes its time. What fits into a line
    hardly ever holds definitions, so that it counts as the deepest.
    """
    found: list[_Waiting] = []
    for one in reversed(node.named_children):
        has_lines = one.end_point[0] > one.start_point[0]
        if has_lines or (depth <= _OUTERMOST and one.type in _HOLDERS):
            found.append((one, within, depth))
        elif one.type in _DEFINING:
            found.append((one, within, _DEEPEST))
    return found


def _kind(node: Node) -> Kind | None:
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return "function" if value is not None and value.type in _FUNCTION_VALUES else None
    if node.type == "type_definition" and node.child_by_field_name("type") is None:
        return None
    return _KIND_OF.get(node.type)


def _name(node: Node) -> str:
    """Find the name that a definition gives to what it defines."""
    for _ in range(_DEEPEST):
        if node.type in _NAMES:
            text = (node.text or b"").decode("utf-8", "replace")
            return " ".join(text.split())[:_LONGEST_NAME]
        inner = (
            node.child_by_field_name("name")
            or node.child_by_field_name("declarator")
            or (node.child_by_field_name("type") if node.type == "impl_item" else None)
            or _first_name(node)
        )
        if inner is None:
            return ""
        node = inner
    return ""


def _first_name(node: Node) -> Node | None:
    for child in node.named_children[:8]:
        if child.type in _NAMES or child.type.endswith(("_signature", "_declarator")):
            return child
    return None


@cache
def _parser(language: str) -> Parser:
    return Parser(Language(_GRAMMARS[language]()))
