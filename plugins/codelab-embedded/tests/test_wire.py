from __future__ import annotations

import json
from typing import Any

import pytest
from codelab_embedded.errors import ContextTooLong, KeyRefused, RequestRefused, ServerFailed
from codelab_embedded.wire import NOTE, read_event, read_refusal, write_request

from codelab.sdk import ModelRequest, ToolSpec
from codelab.sdk.errors import CodeLabError
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

TOOL = ToolSpec(name="read_file", description="Read.", parameters={"type": "object"})
CONVERSATION: tuple[Message, ...] = (
    SystemMessage(text="You use tools."),
    UserMessage(text="One?"),
    AssistantMessage(text=f"Two.{NOTE}"),
    UserMessage(text="Three?"),
    AssistantMessage(tool_calls=(ToolCall(id="c", name="read_file", arguments="{}"),)),
    ToolMessage(call_id="c", name="read_file", content="text"),
)


def written(**fields: Any) -> dict[str, Any]:
    asked = ModelRequest(model="m", **{"messages": CONVERSATION, **fields})
    document: dict[str, Any] = json.loads(write_request(asked))
    return document


def test_tools_are_not_sent_and_their_prompt_gives_way_to_one_it_can_follow() -> None:
    body = written(tools=(TOOL,))
    assert "tools" not in body
    (system, *others) = body["messages"]
    assert "tools" not in system["content"]
    assert others == [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": "Three?"},
    ]


def test_without_tools_the_system_message_is_the_callers() -> None:
    assert written()["messages"][0] == {"role": "system", "content": "You use tools."}


@pytest.mark.parametrize(("asked", "sent"), [(None, 512), (5, 5), (100_000, 512)])
def test_an_answer_is_never_without_end(asked: int | None, sent: int) -> None:
    assert written(max_output_tokens=asked)["max_tokens"] == sent


def test_a_temperature_of_zero_is_one() -> None:
    assert written(temperature=0.0)["temperature"] == 0.0


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, b'{"error": {"type": "authentication_error"}}', KeyRefused, "model_auth_failed"),
        (
            400,
            b'{"error": {"type": "exceed_context_size_error", "n_ctx": 8, "n_prompt_tokens": 9}}',
            ContextTooLong,
            "context_too_long",
        ),
        (400, b'{"error": {"type": "invalid_request_error"}}', RequestRefused, "model_refused"),
        (404, b"<html>", RequestRefused, "model_refused"),
        (500, b"", ServerFailed, "model_failed"),
    ],
)
def test_a_refusal_is_a_condition(
    status: int, body: bytes, kind: type[CodeLabError], code: str
) -> None:
    error = read_refusal(status, body)
    assert type(error) is kind
    assert error.code == code


def test_lines_that_are_no_events_are_passed_over_and_broken_ones_are_not() -> None:
    assert read_event("") is read_event(": ping") is read_event("data: [DONE]") is None
    with pytest.raises(ServerFailed):
        read_event('data: {"choices": [')
    with pytest.raises(ServerFailed):
        read_event('data: {"error": {"message": "no"}}')
