"""The scripted model as a model."""

from __future__ import annotations

import msgspec

from codelab.demo.client import MODEL, ScriptedClient
from codelab.demo.sample import BASKET, FILES
from codelab.kit.marking import marked
from codelab.sdk import Delta, ModelRequest, ToolSpec
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)


def request(*messages: Message) -> ModelRequest:
    return ModelRequest(
        model=MODEL.name,
        messages=(SystemMessage(text="You are coder."), *messages),
        tools=tuple(
            ToolSpec(name=name, description="", parameters={})
            for name in ("read_file", "edit_file")
        ),
    )


def read(call_id: str, path: str) -> ToolCall:
    arguments = msgspec.json.encode({"path": path}).decode()
    return ToolCall(id=call_id, name="read_file", arguments=arguments)


async def test_it_streams_what_it_completes() -> None:
    deltas: list[Delta] = []
    completion = await ScriptedClient(pause_s=0).stream(
        request(UserMessage(text="Fix the bug")), deltas.append
    )
    assert "".join(delta.text for delta in deltas) == completion.text
    assert len(deltas) > 5
    assert completion.finish_reason == "tool_calls"
    assert len({call.id for call in completion.tool_calls}) == 2
    assert completion.usage.estimated and completion.usage.cost_usd == 0


async def test_results_are_matched_by_call_whatever_their_order() -> None:
    asked = AssistantMessage(tool_calls=(read("1", "tests/test_basket.py"), read("2", BASKET)))
    results = (
        ToolMessage(call_id="2", name="read_file", content=marked(FILES[BASKET], "2")),
        ToolMessage(call_id="1", name="read_file", content="the tests"),
    )
    completion = await ScriptedClient(pause_s=0).stream(
        request(UserMessage(text="Fix the bug"), asked, *results), lambda delta: None
    )
    assert [call.name for call in completion.tool_calls] == ["edit_file"]


async def test_only_what_follows_the_last_question_counts() -> None:
    completion = await ScriptedClient(pause_s=0).stream(
        request(
            UserMessage(text="What does it do?"),
            AssistantMessage(tool_calls=(read("1", BASKET),)),
            ToolMessage(call_id="1", name="read_file", content=FILES[BASKET]),
            AssistantMessage(text="It sells."),
            UserMessage(text="Fix the bug"),
        ),
        lambda delta: None,
    )
    assert [call.name for call in completion.tool_calls] == ["read_file", "read_file"]


def test_its_name_and_description_say_that_it_is_scripted() -> None:
    assert "scripted" in MODEL.name
    assert "scripted" in MODEL.description
