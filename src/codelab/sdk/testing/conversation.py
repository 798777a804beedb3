"""One agent's conversation with a model and its tools, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from codelab.kit.errors import CodeLabError
from codelab.sdk.agent import Agent
from codelab.sdk.messages import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage
from codelab.sdk.messages import ToolCall as Wish
from codelab.sdk.model import ModelClient, ModelRequest, ToolSpec
from codelab.sdk.testing.tool_runner import PreparedCall, ToolRunner
from codelab.sdk.tool import Tool, ToolResult

_MOST_STEPS = 20


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call and what the model was told of it."""

    tool: str
    arguments: str
    result: ToolResult


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """How a conversation went.

    Args:
        answer: The last answer.
        exchanges: Every tool call with its result, in order.
        messages: All of it, as the model was shown it.
    """

    answer: str
    exchanges: tuple[Exchange, ...]
    messages: tuple[Message, ...]


async def converse(
    agent: Agent,
    question: str,
    *,
    model: ModelClient,
    tools: Iterable[Tool[Any]],
    runner: ToolRunner,
    approve: Callable[[PreparedCall], bool] = lambda call: False,
    max_steps: int = _MOST_STEPS,
) -> Conversation:
    """Ask an agent, run what its model wants to run, and go on until it only answers.

    The model is offered the tools that the agent is granted; what it asks for beyond them is
    refused, as are broken arguments, and it is told so.

    Args:
        agent: The agent.
        question: The user's message.
        model: Who speaks for the agent, usually a `ScriptedModel`.
        tools: The tools of the server.
        runner: Where they run.
        approve: The human's answer to each protected call; by default a refusal.
        max_steps: How often the model may be asked.

    Raises:
        AssertionError: The agent did not come to an end.
    """
    by_name = {tool.name: tool for tool in tools}
    granted = [tool for tool in by_name.values() if agent.may_use(tool.name, tool.category)]
    messages: list[Message] = [SystemMessage(text=agent.prompt), UserMessage(text=question)]
    exchanges: list[Exchange] = []
    for _ in range(max_steps):
        request = ModelRequest(
            model="scripted",
            messages=tuple(messages),
            tools=tuple(_spec(tool) for tool in granted),
        )
        completion = await model.stream(request, lambda delta: None)
        messages.append(
            AssistantMessage(
                text=completion.text,
                tool_calls=completion.tool_calls,
                thinking=completion.thinking,
            )
        )
        if not completion.tool_calls:
            return Conversation(
                answer=completion.text, exchanges=tuple(exchanges), messages=tuple(messages)
            )
        for wish in completion.tool_calls:
            result = await _settle(runner, agent, by_name.get(wish.name), wish, approve)
            exchanges.append(Exchange(tool=wish.name, arguments=wish.arguments, result=result))
            messages.append(
                ToolMessage(call_id=wish.id, name=wish.name, content=result.output, ok=result.ok)
            )
    raise AssertionError(f"The agent {agent.name} was not done after {max_steps} steps.")


async def _settle(
    runner: ToolRunner,
    agent: Agent,
    tool: Tool[Any] | None,
    wish: Wish,
    approve: Callable[[PreparedCall], bool],
) -> ToolResult:
    if tool is None:
        return ToolResult(ok=False, output=f"There is no tool {wish.name}.")
    try:
        call = await runner.prepare(tool, wish.arguments, agent=agent)
        if tool.protected and approve(call):
            call.approve()
        elif tool.protected:
            return ToolResult(ok=False, output="The user refused this.")
        return await call.execute()
    except CodeLabError as error:
        return ToolResult(ok=False, output=error.message)


def _spec(tool: Tool[Any]) -> ToolSpec:
    (schema,), components = msgspec.json.schema_components((tool.parameters,))
    return ToolSpec(
        name=tool.name, description=tool.description, parameters={**schema, "$defs": components}
    )
