"""Checks that a tool or an agent is declared as the server expects it; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from codelab.sdk.agent import Agent
from codelab.sdk.tool import Tool

_TOOL_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_AGENT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class ContractBroken(AssertionError):
    """A tool or an agent is declared in a way that users or models would stumble over."""


def check_tool(tool: Tool[Any]) -> None:
    """Check a tool's class attributes and that a model can read what its parameters mean.

    Raises:
        ContractBroken: It lists everything that is wrong.
    """
    _refuse(type(tool).__name__, list(_tool_faults(tool)))


def check_agent(agent: Agent) -> None:
    """Check an agent's texts, and that its triggers are valid regular expressions.

    Raises:
        ContractBroken: It lists everything that is wrong.
    """
    _refuse(f"agent {agent.name}", list(_agent_faults(agent)))


def _refuse(what: str, faults: list[str]) -> None:
    if faults:
        raise ContractBroken(f"{what}: {'; '.join(faults)}")


def _tool_faults(tool: Tool[Any]) -> Iterator[str]:
    if not _TOOL_NAME.fullmatch(getattr(tool, "name", "")):
        yield "`name` must be in snake_case, 64 characters at most"
    if not getattr(tool, "description", "").strip():
        yield "`description` must tell a model when to use it"
    parameters = getattr(tool, "parameters", None)
    if not (isinstance(parameters, type) and issubclass(parameters, msgspec.Struct)):
        yield "`parameters` must be a msgspec Struct"
        return
    if not parameters.__struct_config__.frozen:
        yield "`parameters` must be frozen"
    for name, schema in _fields(parameters).items():
        if not schema.get("description"):
            yield f"the parameter {name} needs a description: Annotated[…, Meta(description=…)]"


def _fields(parameters: type[msgspec.Struct]) -> dict[str, dict[str, Any]]:
    _, components = msgspec.json.schema_components((parameters,))
    fields: dict[str, dict[str, Any]] = components[parameters.__name__].get("properties", {})
    return fields


def _agent_faults(agent: Agent) -> Iterator[str]:
    if not _AGENT_NAME.fullmatch(agent.name):
        yield "`name` must be lower-case letters, digits, - and _"
    for field in ("title", "description", "prompt"):
        if not getattr(agent, field).strip():
            yield f"`{field}` must not be empty"
    for trigger in agent.triggers:
        try:
            re.compile(trigger)
        except re.error as error:
            yield f"the trigger {trigger!r} is no regular expression ({error})"
