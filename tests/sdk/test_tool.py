"""What a tool is unless it says otherwise: harmless, unprotected, repeatable."""

from __future__ import annotations

import msgspec

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.testing import ToolRunner


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class Greeting(Tool[Nothing]):
    """The smallest tool."""

    name = "greet"
    description = "Greets the user."
    parameters = Nothing

    async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
        """Greet."""
        return ToolResult(output=f"Hello, {context.user_name}")


def test_a_tool_reads_unless_it_says_otherwise() -> None:
    tool = Greeting()
    assert tool.category is Category.READ
    assert tool.risk is Risk.LOW
    assert not tool.protected
    assert tool.repeatable
    assert tool.paths(Nothing()) == ()
    assert tool.command(Nothing()) is None


async def test_a_tool_has_nothing_to_show_unless_it_prepares(tool_runner: ToolRunner) -> None:
    call = await tool_runner.prepare(Greeting())
    assert call.preview == Preparation().preview == ""
    assert (await call.execute()).output == "Hello, tester"


async def test_an_execution_knows_which_state_was_prepared(tool_runner: ToolRunner) -> None:
    seen: list[str | None] = []

    class Stateful(Greeting):
        async def prepare(self, context: ToolContext, parameters: Nothing) -> Preparation:
            seen.append(context.approved_state)
            return Preparation(state="as it is")

        async def execute(self, context: ToolContext, parameters: Nothing) -> ToolResult:
            seen.append(context.approved_state)
            return ToolResult(output="")

    await tool_runner.run(Stateful())
    assert seen == [None, "as it is"]


def test_a_tool_cannot_be_without_an_execution() -> None:
    assert Tool.__abstractmethods__ == {"execute"}


def test_a_tools_error_may_be_mended_by_the_model() -> None:
    error = ToolError("There is no line 90.", field="line")
    assert (error.status, error.code, error.field) == (422, "tool_failed", "line")
    assert str(error) == error.message == "There is no line 90."
