"""The declarations of tools and agents are checked, and everything wrong is named at once."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from codelab.sdk import Agent, Tool, ToolContext, ToolResult
from codelab.sdk.testing import ContractBroken, check_agent, check_tool


class Described(msgspec.Struct, frozen=True):
    """Parameters as they should be."""

    path: Annotated[str, Meta(description="The file to look at.")]


class Careless(msgspec.Struct):
    """Parameters that nobody can read, and that change while they are used."""

    path: str


class Sound(Tool[Described]):
    """A tool as it should be."""

    name = "look_at"
    description = "Looks at a file."
    parameters = Described

    async def execute(self, context: ToolContext, parameters: Described) -> ToolResult:
        """Look."""
        return ToolResult(output=parameters.path)


class Broken(Tool[Careless]):
    """A tool with every fault."""

    name = "Look-At"
    description = " "
    parameters = Careless

    async def execute(self, context: ToolContext, parameters: Careless) -> ToolResult:
        """Look."""
        return ToolResult(output=parameters.path)


def test_a_sound_tool_passes() -> None:
    check_tool(Sound())


def test_every_fault_of_a_tool_is_named() -> None:
    with pytest.raises(ContractBroken) as broken:
        check_tool(Broken())
    for word in ("snake_case", "description", "frozen", "parameter path"):
        assert word in str(broken.value)


def test_a_sound_agent_passes() -> None:
    check_agent(Agent(name="poet", title="Poet", description="Rhymes.", prompt="Rhyme."))


def test_every_fault_of_an_agent_is_named() -> None:
    agent = Agent(name="The Poet", title="", description="x", prompt=" ", triggers=("(",))
    with pytest.raises(ContractBroken) as broken:
        check_agent(agent)
    for word in ("`name`", "`title`", "`prompt`", "regular expression"):
        assert word in str(broken.value)
    assert "`description`" not in str(broken.value)
