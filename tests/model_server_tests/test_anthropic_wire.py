"""The Anthropic format, event for event."""

import json
from typing import Any

import pytest

from tests.model_server.script import Reply, ToolCall, Usage
from tests.model_server_tests.reading import Answer, Asker


def payloads(answer: Answer) -> list[dict[str, Any]]:
    """The events' data, each of which repeats the event's name."""
    events = [(name, json.loads(data)) for name, data in answer.events]
    assert all(name == data["type"] for name, data in events)
    return [data for _, data in events]


async def test_a_whole_stream_event_by_event(asker: Asker) -> None:
    await asker.script(
        Reply(
            reasoning="hm",
            text=["Hi ", "мир"],
            tool_calls=[ToolCall("a", {"x": 1}, id="toolu_1"), ToolCall("b", {}, id="toolu_2")],
            usage=Usage(input=100, output=9, cached=60),
        )
    )
    answer = await asker.anthropic()
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["request-id"]
    start, *middle, delta, stop = payloads(answer)
    assert start["message"]["role"] == "assistant"
    assert start["message"]["content"] == []
    assert start["message"]["usage"]["input_tokens"] == 40
    assert start["message"]["usage"]["cache_read_input_tokens"] == 60
    assert delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert delta["usage"]["output_tokens"] == 9
    assert stop == {"type": "message_stop"}
    signature = middle[3]["delta"]["signature"]
    block = "content_block_start"
    part = "content_block_delta"
    assert signature
    assert middle == [
        {"type": "ping"},
        {
            "type": block,
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        {"type": part, "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": part, "index": 0, "delta": {"type": "signature_delta", "signature": signature}},
        {"type": "content_block_stop", "index": 0},
        {"type": block, "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": part, "index": 1, "delta": {"type": "text_delta", "text": "Hi "}},
        {"type": part, "index": 1, "delta": {"type": "text_delta", "text": "мир"}},
        {"type": "content_block_stop", "index": 1},
        {
            "type": block,
            "index": 2,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}},
        },
        {"type": part, "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"x'}},
        {"type": part, "index": 2, "delta": {"type": "input_json_delta", "partial_json": '": 1'}},
        {"type": part, "index": 2, "delta": {"type": "input_json_delta", "partial_json": "}"}},
        {"type": "content_block_stop", "index": 2},
        {
            "type": block,
            "index": 3,
            "content_block": {"type": "tool_use", "id": "toolu_2", "name": "b", "input": {}},
        },
        {"type": part, "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_stop", "index": 3},
    ]


async def test_bytes_split_tears_arguments_but_keeps_blocks_apart(asker: Asker) -> None:
    calls = [ToolCall("a", {"path": "one"}), ToolCall("b", {"path": "two"})]
    await asker.script(Reply(tool_calls=calls, split="bytes"))
    pieces = [
        data for data in payloads(await asker.anthropic()) if data["type"] == "content_block_delta"
    ]
    assert {len(piece["delta"]["partial_json"]) for piece in pieces} == {1, 2, 3}
    indexes = [piece["index"] for piece in pieces]
    assert indexes == sorted(indexes)
    for index, call in enumerate(calls):
        text = "".join(
            piece["delta"]["partial_json"] for piece in pieces if piece["index"] == index
        )
        assert json.loads(text) == call.arguments


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")],
)
async def test_stop_reasons_are_in_its_words(asker: Asker, ours: str, theirs: str) -> None:
    await asker.script(Reply(text="x", finish_reason=ours))
    assert payloads(await asker.anthropic())[-2]["delta"]["stop_reason"] == theirs


async def test_an_answer_that_is_not_streamed_is_one_message(asker: Asker) -> None:
    await asker.script(
        Reply(reasoning="hm", text="Hi", tool_calls=[ToolCall("a", {"x": 1}, id="toolu_1")])
    )
    answer = (await asker.anthropic(stream=False)).json
    assert answer["type"] == "message"
    assert [block["type"] for block in answer["content"]] == ["thinking", "text", "tool_use"]
    assert answer["content"][2] == {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "a",
        "input": {"x": 1},
    }
    assert answer["stop_reason"] == "tool_use"
    assert answer["usage"]["output_tokens"] == 5


async def test_the_token_limit_is_required(asker: Asker) -> None:
    await asker.script(Reply(text="x"))
    answer = await asker.post(
        "/v1/messages", {"model": "m", "messages": []}, {"x-api-key": asker.key}
    )
    assert answer.status == 400
    assert answer.json["error"] == {
        "type": "invalid_request_error",
        "message": "max_tokens: Field required",
    }


async def test_models_are_listed_in_its_shape(asker: Asker) -> None:
    headers = {"x-api-key": asker.key}
    assert (await asker.get("/v1/models", headers)).json["error"]["type"] == "authentication_error"
    await asker.script()
    listed = (await asker.get("/v1/models", headers)).json
    assert listed["data"][0]["type"] == "model"
    assert listed["has_more"] is False
