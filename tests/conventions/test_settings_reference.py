"""docs/settings.md is written from the code; CODELAB_TEST_WRITE_DOCS=1 writes it anew."""

from __future__ import annotations

import inspect
import os
from typing import Any

import msgspec

from codelab.kit.sections import what_it_takes
from codelab.settings import PREFIX, SECTIONS
from tests.conventions.documents import DOCS

_HEAD = """# Settings

Every setting is an environment variable. Each can also stand in a TOML file, by its own name \
(`hitl_timeout_s = 120`); `--config FILE` names the file, and the environment wins over it. \
Lists are comma-separated in the environment. An unknown name or a value that cannot be used \
keeps CodeLab from starting. A variable that is empty counts as not set; a list that is empty is \
empty.

This page is written from the code; CONTRIBUTING.md says how.
"""


def reference() -> str:
    """Describe every setting."""
    return "\n".join([_HEAD, *(_section(kind) for kind in SECTIONS.values())])


def _section(kind: type[msgspec.Struct]) -> str:
    _, components = msgspec.json.schema_components([kind])
    properties = components[kind.__name__]["properties"]
    rows = [
        f"| `{PREFIX}{field.name.upper()}` | {what_it_takes(kind, field.name)} "
        f"| {_shown(field.default)} | {properties[field.name]['description']} |"
        for field in msgspec.structs.fields(kind)
    ]
    title = (inspect.getdoc(kind) or "").rstrip(".")
    head = ["| variable | takes | default | |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        default = ", ".join(default)
    return f"`{default}`" if default != "" else ""


def test_the_settings_reference_is_up_to_date() -> None:
    page = DOCS / "settings.md"
    if os.environ.get("CODELAB_TEST_WRITE_DOCS"):
        page.write_text(reference(), "utf-8")
    assert page.read_text("utf-8") == reference()
