"""Writes the tables of docs/plugins/events.md from the code; the text before them is by hand."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import get_args

import msgspec

from codelab.kit.events import EphemeralEvent, Event
from codelab.plugins import known_events
from codelab.sessions import events as session_events

PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "events.md"

MARK = "<!-- The tables below are written by `python -m tests.plugins.events_page`. -->\n"
_FACTS = """\
## What `FactsRecorded` carries

Each of its `entries` has `seq`, `epoch`, `turn_id`, `at` and a `fact`, which is one of these:
"""


def tables() -> str:
    """Return what stands behind the mark."""
    events = known_events()
    parts: list[str] = []
    for module, names in groupby(events, key=lambda name: _module(events[name])):
        parts += ["", f"## {module}", "", *_table("event", {name: events[name] for name in names})]
    facts = get_args(session_events.AnyFact)
    parts += ["", _FACTS, *_table("fact", {fact.__name__: fact for fact in facts})]
    return "\n".join(parts) + "\n"


def _table(what: str, kinds: Mapping[str, type[msgspec.Struct]]) -> Iterator[str]:
    yield f"| {what} | when | fields |"
    yield "| --- | --- | --- |"
    for name, kind in kinds.items():
        passing = " *(passing)*" if issubclass(kind, EphemeralEvent) else ""
        yield f"| `{name}`{passing} | {_first_sentence(kind)} | {_listed(_fields(kind))} |"


def _fields(kind: type[msgspec.Struct]) -> Iterator[str]:
    for parent in reversed(kind.__mro__):
        if parent is Event or not issubclass(parent, msgspec.Struct):
            continue
        for name, annotation in inspect.get_annotations(parent).items():
            yield f"`{name}: {annotation}`".replace("|", "\\|")


def _listed(fields: Iterable[str]) -> str:
    return "<br>".join(fields)


def _first_sentence(kind: type[msgspec.Struct]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _module(kind: type[Event]) -> str:
    return kind.__module__.split(".")[1]


if __name__ == "__main__":
    by_hand, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(by_hand + mark + tables(), "utf-8")
