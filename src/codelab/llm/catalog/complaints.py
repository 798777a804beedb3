"""Sentences for what has the wrong form in a models file: its line, its entry and its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from codelab.llm.catalog.names import at_line, did_you_mean
from codelab.llm.catalog.places import Path, parse_path
from codelab.llm.errors import CatalogueInvalid

PLACE = re.compile(r"^(?P<problem>.*?)(?: - at (?:`key` in )?`\$\.?(?P<place>[^`]*)`)?$", re.DOTALL)
_ENTRY = re.compile(r"^model_list\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
# Stands in msgspec's sentences where a map's key would.
_SOME_KEY = "[...]"


def complaint_about(
    error: str,
    document: Any,
    source: str,
    lines: Mapping[Path, int],
    *,
    fails: Callable[[Any], bool],
    fields: Iterable[str],
) -> CatalogueInvalid:
    """Turn msgspec's sentence into one for whoever wrote the file.

    Args:
        error: The sentence.
        document: What the file holds.
        source: What to call the file.
        lines: The line of each field.
        fails: Tells whether a document has the wrong form.
        fields: What may stand in our own section.
    """
    match = PLACE.match(error)
    problem, place = (match["problem"], match["place"] or "") if match else (error, "")
    unknown = _UNKNOWN.search(problem)
    path = parse_path(place)
    if _SOME_KEY in place:
        before, _, after = place.partition(_SOME_KEY)
        key = _failing_key(document, parse_path(before), fails)
        if key is not None:
            place, path = f"{before}.{key}{after}", (*parse_path(before), key, *parse_path(after))
    if unknown:
        path = (*path, unknown[1])
        problem += did_you_mean(unknown[1], fields)
    start = at_line(source, path, lines)
    if not place:
        return CatalogueInvalid(f"{start}: {problem} at the top.")
    entry = _ENTRY.match(place)
    name = _name_of(document, int(entry[1])) if entry else None
    return CatalogueInvalid(f"{start}: {place}{f' ({name})' if name else ''}: {problem}.")


def _failing_key(document: Any, path: Path, fails: Callable[[Any], bool]) -> str | None:
    """Find the key of a map with which alone the document still has the wrong form."""
    found = document
    for step in path:
        found = found[step]
    return next((key for key in found if fails(_with_only(document, path, key))), None)


def _with_only(document: Any, path: Path, key: str) -> Any:
    if not path:
        return {key: document[key]}
    copy: Any = list(document) if isinstance(document, list) else dict(document)
    copy[path[0]] = _with_only(document[path[0]], path[1:], key)
    return copy


def _name_of(document: Any, place: int) -> str | None:
    try:
        name = document["model_list"][place]["model_name"]
    except (KeyError, TypeError, IndexError):
        return None
    return name if isinstance(name, str) else None
