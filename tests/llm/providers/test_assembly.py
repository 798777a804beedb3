"""Awkward deltas of tool calls, as providers are known to send them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codelab.llm.providers.assembly import ALIVE, AnswerAssembler
from codelab.llm.providers.wire_chunks import Chunk
from codelab.sdk.model import Completion, Delta


def assemble(*deltas: dict[str, Any], **ending: Any) -> tuple[Completion, list[Delta]]:
    heard: list[Delta] = []
    assembler = AnswerAssembler(heard.append)
    for delta in deltas:
        assembler.add(msgspec.convert({"choices": [{"delta": delta}]}, Chunk))
    assembler.add(msgspec.convert(ending, Chunk))
    return assembler.complete("m"), heard


def piece(**fields: Any) -> dict[str, Any]:
    name, arguments = fields.pop("name", None), fields.pop("arguments", None)
    return {**fields, "function": {"name": name, "arguments": arguments}}


def calls_of(*pieces: dict[str, Any]) -> list[tuple[str, str, str]]:
    completion, heard = assemble(*({"tool_calls": [one]} for one in pieces))
    assert set(heard) <= {ALIVE}
    assert completion.finish_reason == "tool_calls"
    return [(call.id, call.name, call.arguments) for call in completion.tool_calls]


LONG = "call_abcdefghij"
OTHER = "call_klmnopqrst"


def test_the_id_comes_in_the_first_piece_only() -> None:
    assert calls_of(
        piece(index=0, id=LONG, name="read"),
        *(piece(index=0, arguments=character) for character in '{"a":1}'),
    ) == [(LONG, "read", '{"a":1}')]


def test_interleaved_calls_are_told_apart_by_their_index() -> None:
    assert calls_of(
        piece(index=0, id=LONG, name="read"),
        piece(index=1, id=OTHER, name="list"),
        piece(index=1, arguments='{"b"'),
        piece(index=0, arguments='{"a"'),
        piece(index=1, arguments=":2}"),
        piece(index=0, arguments=":1}"),
    ) == [(LONG, "read", '{"a":1}'), (OTHER, "list", '{"b":2}')]


def test_without_an_index_the_id_tells_or_the_last_call_goes_on() -> None:
    assert calls_of(
        piece(id=LONG, name="read", arguments='{"a"'),
        piece(arguments=":1}"),
        piece(id=OTHER, name="list", arguments="{"),
        piece(id=OTHER, arguments="}"),
    ) == [(LONG, "read", '{"a":1}'), (OTHER, "list", "{}")]


def test_every_call_has_the_index_zero_but_an_id_and_a_name_of_its_own() -> None:
    assert calls_of(
        piece(index=0, id=LONG, name="read", arguments="{}"),
        piece(index=0, id=OTHER, name="list", arguments="{}"),
    ) == [(LONG, "read", "{}"), (OTHER, "list", "{}")]


def test_a_fresh_id_in_every_piece_does_not_start_a_call() -> None:
    assert calls_of(
        piece(index=0, id=LONG, name="read", arguments="{"),
        piece(index=0, id=OTHER, arguments="}"),
    ) == [(LONG, "read", "{}")]


@pytest.mark.parametrize(
    "names", [["read_file", "", ""], ["read", "_file", ""], ["read_file", "read_file", None]]
)
def test_a_name_comes_whole_in_pieces_or_again(names: list[str | None]) -> None:
    first, *rest = names
    assert calls_of(
        piece(index=0, id=LONG, name=first),
        *(piece(index=0, name=name, arguments="") for name in rest),
        piece(index=0, arguments="{}"),
    ) == [(LONG, "read_file", "{}")]


def test_whole_calls_in_one_chunk_with_arguments_as_an_object() -> None:
    completion, _ = assemble(
        {
            "tool_calls": [
                piece(name="read", arguments={"path": "ж"}),
                piece(name="list", arguments={}),
            ]
        }
    )
    [first, second] = completion.tool_calls
    assert (first.name, first.arguments) == ("read", '{"path":"ж"}')
    assert (second.name, second.arguments) == ("list", "{}")
    assert first.id != second.id


@pytest.mark.parametrize("given", ["", "0", "call_0", "call_12", None, 3])
def test_an_id_that_would_repeat_within_a_session_is_replaced(given: Any) -> None:
    [(first, _, _)] = calls_of(piece(index=0, id=given, name="read", arguments="{}"))
    [(second, _, _)] = calls_of(piece(index=0, id=given, name="read", arguments="{}"))
    assert first != second
    assert len(first) > 20


def test_two_calls_never_share_an_id() -> None:
    calls = calls_of(
        piece(index=0, id=LONG, name="a", arguments="{}"),
        piece(index=1, id=LONG, name="b", arguments="{}"),
    )
    assert len({call_id for call_id, _, _ in calls}) == 2


def test_a_call_without_arguments_has_none() -> None:
    assert calls_of(piece(index=0, id=LONG, name="git_status")) == [(LONG, "git_status", "{}")]


def test_reasoning_has_two_names_and_a_third_form() -> None:
    completion, heard = assemble(
        {"reasoning": "a"},
        {"reasoning_content": "b"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "c"}]}]},
        {"content": [{"type": "text", "text": "Yes."}]},
    )
    assert (completion.reasoning, completion.text) == ("abc", "Yes.")
    assert heard == [Delta("", "a"), Delta("", "b"), Delta("", "c"), Delta("Yes.")]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}, (9, 2, 0)),
        # Reasoning counted apart is part of what is paid for.
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 31}, (9, 22, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, (9, 2, 4)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5}}, (9, 0, 5)),
        ({"prompt_tokens": None, "prompt_tokens_details": None}, (0, 0, 0)),
    ],
)
def test_usage_is_read_from_the_last_report(
    report: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    usage = assemble({"content": "x"}, usage=report)[0].usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == expected
