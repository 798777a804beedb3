"""Which tools there are, and how models see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from codelab.sdk.model import ToolSpec
from codelab.sdk.tool import Tool
from codelab.tools.arguments import schema
from codelab.tools.errors import ToolInvalid, ToolUnknown

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Registry:
    """Tools by name, each checked once."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool[Any]] = {}
        self._specs: dict[str, ToolSpec] = {}

    def register(self, tools: Sequence[Tool[Any]]) -> None:
        """Take tools in.

        Raises:
            ToolInvalid: A name is taken or malformed, or a tool is incomplete.
        """
        for tool in tools:
            spec = _spec(tool)
            if spec.name in self._tools:
                raise ToolInvalid(f"There are two tools with the name {spec.name}.")
            self._tools[spec.name] = tool
            self._specs[spec.name] = spec

    def get(self, name: str) -> Tool[Any]:
        """Return a tool.

        Raises:
            ToolUnknown: There is none; names one that is spelled alike.
        """
        tool = self._tools.get(name)
        if tool is None:
            near = get_close_matches(name, self._tools, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ToolUnknown(f"There is no tool {name[:64]!r}.{hint}")
        return tool

    def all(self) -> tuple[Tool[Any], ...]:
        """Return every tool in the order of registration."""
        return tuple(self._tools.values())

    def spec(self, name: str) -> ToolSpec:
        """Return a tool as a model sees it."""
        return self._specs[name]


def _spec(tool: Tool[Any]) -> ToolSpec:
    name = getattr(tool, "name", "")
    if not _NAME.fullmatch(name):
        raise ToolInvalid(f"{type(tool).__name__} needs a name in snake_case.")
    parameters = getattr(tool, "parameters", None)
    if not (isinstance(parameters, type) and issubclass(parameters, msgspec.Struct)):
        raise ToolInvalid(f"The parameters of {name} must be a msgspec Struct.")
    if not getattr(tool, "description", ""):
        raise ToolInvalid(f"{name} needs a description for the model.")
    try:
        return ToolSpec(name=name, description=tool.description, parameters=schema(parameters))
    except (TypeError, RecursionError):
        raise ToolInvalid(f"The parameters of {name} have no finite JSON Schema.") from None
