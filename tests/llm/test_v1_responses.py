"""OpenAI's responses: what is read, which events come in which order, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.llm.layer import Layer
from tests.llm.served import Api, served
from tests.model_server.script import Reply, ToolCall, Usage

FUNCTION = {
    "type": "function",
    "name": "look",
    "description": "Look.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    "strict": False,
}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Change files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
ASK: dict[str, Any] = {"model": "openai", "input": "Hi", "stream": True}


@pytest.fixture
async def api(layer: Layer) -> AsyncIterator[Api]:
    """The API with one model, on a real server."""
    async with served(layer.build(layer.entry("openai"))) as made:
        yield made


def names(events: list[dict[str, Any]]) -> list[str]:
    """The names of the events, pieces of the same text counted once, without what all share."""
    found = [event["event"].removeprefix("response.") for event in events]
    return [one for one, before in pairwise([*reversed(found), ""]) if one != before][::-1]


async def test_events_come_named_numbered_and_in_order(api: Api, layer: Layer) -> None:
    await layer.script(
        Reply(
            reasoning="Let me think.",
            text="I look.",
            tool_calls=[ToolCall("look", {"at": "ж"}, id="call_abcdefgh1")],
            usage=Usage(30, 4, cached=20),
        )
    )
    events = await api.events("/responses", ASK | {"tools": [FUNCTION]})
    assert names(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert all(event["type"] == event["event"] for event in events)
    assert events[0]["response"]["status"] == "in_progress"
    response = events[-1]["response"]
    assert (response["status"], response["store"]) == ("completed", False)
    thought, said, call = response["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Let me think."}]
    assert said["content"][0]["text"] == "I look."
    assert (call["type"], call["call_id"]) == ("function_call", "call_abcdefgh1")
    assert msgspec.json.decode(call["arguments"]) == {"at": "ж"}
    assert response["usage"]["input_tokens_details"] == {"cached_tokens": 20}
    assert response["usage"]["total_tokens"] == 34
    # Every event about an item names the item that was opened, at its place.
    opened = {}
    for event in events:
        if event["event"] == "response.output_item.added":
            opened[event["output_index"]] = event["item"]["id"]
        elif "item_id" in event:
            assert opened[event["output_index"]] == event["item_id"]
    assert [item["id"] for item in response["output"]] == list(opened.values())
    pieces = [event["delta"] for event in events if event["event"].endswith("output_text.delta")]
    assert "".join(pieces) == "I look."
    assert len(pieces) > 1


async def test_a_whole_response_says_the_same(api: Api, layer: Layer) -> None:
    await layer.script(Reply(reasoning="Hm.", text="Yes.", tool_calls=[ToolCall("look", {})]))
    status, response = await api.v1(
        "POST", "/responses", ASK | {"stream": False, "tools": [FUNCTION]}
    )
    assert status == 200
    assert response["object"] == "response"
    assert response["status"] == "completed"
    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["reasoning", "message", "function_call"]
    assert response["tools"][0]["name"] == "look"


async def test_a_conversation_of_items_reaches_the_model(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="Done."))
    items = [
        {"type": "message", "role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Look"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at": 1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "+a"},
        {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "patched"}],
        },
        {"role": "user", "content": "And?"},
    ]
    body = ASK | {"input": items, "instructions": "You help.", "tools": [FUNCTION, PATCH]}
    events = await api.events("/responses", body)
    assert events[-1]["event"] == "response.completed"
    sent = (await layer.seen())[0].body
    assert [message["role"] for message in sent["messages"]] == [
        *("system", "system", "user", "assistant", "tool", "tool", "user"),
    ]
    assistant = sent["messages"][3]
    assert assistant["content"] == "I look."
    assert [call["id"] for call in assistant["tool_calls"]] == ["c1", "c2"]
    arguments = assistant["tool_calls"][1]["function"]["arguments"]
    assert msgspec.json.decode(arguments) == {"input": "+a"}
    assert sent["messages"][5]["content"] == "patched"
    offered = [tool["function"] for tool in sent["tools"]]
    assert [tool["name"] for tool in offered] == ["look", "apply_patch"]
    assert "start: /.+/" in offered[1]["description"]


@pytest.mark.parametrize("arguments", [{"input": "*** Begin"}, "*** Begin"])
async def test_a_tool_for_plain_text_gets_plain_text(
    api: Api, layer: Layer, arguments: Any
) -> None:
    await layer.script(Reply(tool_calls=[ToolCall("apply_patch", arguments)]))
    events = await api.events("/responses", ASK | {"tools": [PATCH]})
    assert "custom_tool_call_input.delta" in names(events)
    (call,) = events[-1]["response"]["output"]
    assert (call["type"], call["input"]) == ("custom_tool_call", "*** Begin")


async def test_tools_that_openai_runs_itself_are_not_offered(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="Yes."))
    tools = [{"type": "web_search"}, {"type": "local_shell"}, FUNCTION]
    body = ASK | {"tools": tools, "tool_choice": "auto", "include": ["reasoning.encrypted_content"]}
    events = await api.events("/responses", body)
    assert [tool["name"] for tool in events[0]["response"]["tools"]] == ["look"]
    assert len((await layer.seen())[0].body["tools"]) == 1


async def test_further_wishes_are_passed_on(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="{}"))
    schema = {"type": "object", "properties": {}}
    body = ASK | {
        "tools": [FUNCTION],
        "tool_choice": {"type": "function", "name": "look"},
        "text": {"format": {"type": "json_schema", "name": "it", "schema": schema}},
        "max_output_tokens": 9,
        "top_p": 0.5,
    }
    await api.events("/responses", body)
    sent = (await layer.seen())[0].body
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert sent["response_format"]["json_schema"] == {"name": "it", "schema": schema}
    assert (sent["max_tokens"], sent["top_p"]) == (9, 0.5)


async def test_an_answer_that_was_cut_short_is_incomplete(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="Once upon", finish_reason="length"))
    events = await api.events("/responses", ASK)
    assert events[-1]["event"] == "response.incomplete"
    response = events[-1]["response"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_a_failure_in_the_middle_is_the_stream_s_last_event(api: Api, layer: Layer) -> None:
    await layer.script(Reply(text="one two three", cut_after=2))
    events = await api.events("/responses", ASK)
    assert events[-1]["event"] == "response.failed"
    response = events[-1]["response"]
    assert response["status"] == "failed"
    assert response["error"]["code"] == "model_interrupted"
    assert response["output"][0]["content"][0]["text"] == "one two"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_the_first_piece_has_its_status(
    api: Api, layer: Layer, stream: bool
) -> None:
    await layer.script(Reply(context_overflow=True))
    status, body = await api.v1("POST", "/responses", ASK | {"stream": stream})
    assert (status, body["error"]["code"]) == (400, "context_length_exceeded")
    assert api.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, None),
        ({"input": [{"type": "function_call", "name": "look"}]}, "input[0].call_id"),
        ({"tool_choice": {"type": "function", "name": "gone"}}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"temperature": 9}, "temperature"),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(
    api: Api, fields: dict[str, Any], param: str | None
) -> None:
    status, body = await api.v1("POST", "/responses", ASK | fields)
    assert status == 400
    assert body["error"]["param"] == (param or "input[0].content[0].type")
