"""Anthropic's content blocks, one event after the other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codelab.llm.providers.anthropic_wire import AnthropicAnswer
from codelab.llm.providers.assembly import ALIVE
from codelab.sdk.messages import Thinking
from codelab.sdk.model import Completion, Delta

MODEL = "anthropic/claude-x"


def read(*events: dict[str, Any]) -> tuple[Completion, list[Delta]]:
    heard: list[Delta] = []
    answer = AnthropicAnswer(heard.append)
    ended = [answer.take(msgspec.json.encode(event)) for event in events]
    assert not any(ended[:-1])
    return answer.assembler.complete("m", MODEL), heard


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str, **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def test_signed_thinking_is_shown_and_kept_as_it_came() -> None:
    completion, heard = read(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Let me "),
        delta(0, "thinking_delta", thinking="see."),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        start(1, type="redacted_thinking", data="b3BhcXVl"),
        stop(1),
        start(2, type="text", text=""),
        delta(2, "text_delta", text="Yes."),
        stop(2),
        end("end_turn", output_tokens=7),
        {"type": "message_stop"},
    )
    assert (completion.text, completion.reasoning) == ("Yes.", "Let me see.")
    assert heard == [Delta("", "Let me "), Delta("", "see."), Delta("Yes.")]
    assert completion.thinking == Thinking(
        model=MODEL,
        parts=(
            {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
        ),
    )


def test_thinking_without_a_signature_does_not_go_back() -> None:
    completion, _ = read(
        start(0, type="thinking", thinking=""),
        delta(0, "thinking_delta", thinking="Hm."),
        stop(0),
        end("end_turn"),
    )
    assert completion.reasoning == "Hm."
    assert completion.thinking is None


def test_what_the_provider_s_own_tools_do_is_left_out() -> None:
    completion, _ = read(
        start(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query": "x"}'),
        stop(0),
        start(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
        stop(1),
        start(2, type="tool_use", id="toolu_1abcdef", name="read_file", input={}),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"path":'),
        {"type": "ping"},
        {"type": "something_new", "index": 2},
        delta(2, "input_json_delta", partial_json='"a"}'),
        stop(2),
        end("tool_use", output_tokens=7),
    )
    [call] = completion.tool_calls
    assert (call.id, call.name, call.arguments) == ("toolu_1abcdef", "read_file", '{"path":"a"}')
    assert completion.finish_reason == "tool_calls"


def test_a_ping_within_a_block_is_a_sign_of_life() -> None:
    ping = {"type": "ping"}
    assert read(ping)[1] == []
    opened = start(0, type="thinking", thinking="")
    assert read(ping, opened, ping, ping, stop(0), ping)[1] == [ALIVE, ALIVE]


def test_arguments_may_come_whole() -> None:
    completion, _ = read(
        start(0, type="tool_use", id="toolu_1abcdef", name="read_file", input={"path": "a"}),
        stop(0),
        end("tool_use"),
    )
    assert completion.tool_calls[0].arguments == '{"path":"a"}'


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
        ("something_new", "something_new"),
    ],
)
def test_the_reason_is_told_in_openai_s_words(said: str, ours: str) -> None:
    assert read(end(said))[0].finish_reason == ours


def test_counts_come_in_two_parts() -> None:
    first = {"input_tokens": 3, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 7}
    message = {"usage": {**first, "output_tokens": 1}}
    usage = read({"type": "message_start", "message": message}, end("end_turn", output_tokens=9))[
        0
    ].usage
    assert (usage.input_tokens, usage.output_tokens) == (60, 9)
    assert (usage.cached_tokens, usage.cache_write_tokens) == (50, 7)
    # What was counted before the first word is no count of the answer.
    assert read({"type": "message_start", "message": message})[0].usage.output_tokens == 0
