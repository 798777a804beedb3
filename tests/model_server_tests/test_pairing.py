"""Histories the providers refuse."""

import pytest

from tests.model_server.pairing import Message, anthropic_problem, openai_problem

USER: Message = {"role": "user", "content": "x"}


def openai_call(*ids: str) -> Message:
    """An assistant's message with calls."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id} for call_id in ids],
    }


def openai_result(call_id: str) -> Message:
    """A call's result."""
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


def anthropic_call(*ids: str) -> Message:
    """An assistant's message with calls."""
    return {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": call_id} for call_id in ids],
    }


def anthropic_results(*ids: str) -> Message:
    """The results of calls."""
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call_id} for call_id in ids],
    }


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "empty array"),
        ([USER, openai_call("a")], "did not have response messages: a"),
        (
            [USER, openai_call("a", "b"), openai_result("b"), USER],
            "did not have response messages: a",
        ),
        ([USER, openai_result("a")], "must be a response"),
        ([USER, openai_call("a"), openai_result("a"), openai_result("a")], "must be a response"),
    ],
)
def test_openai_refuses(messages: list[Message], words: str) -> None:
    assert words in (openai_problem(messages) or "")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "at least one message"),
        ([USER, anthropic_call("a")], "without `tool_result` blocks immediately after: a"),
        ([USER, anthropic_call("a", "b"), anthropic_results("a")], "immediately after: b"),
        ([USER, anthropic_results("a")], "unexpected `tool_use_id`"),
        ([{"role": "user", "content": [{"type": "text", "text": ""}]}], "must be non-empty"),
    ],
)
def test_anthropic_refuses(messages: list[Message], words: str) -> None:
    assert words in (anthropic_problem(messages) or "")


def test_answered_calls_are_fine() -> None:
    assert (
        openai_problem([USER, openai_call("a", "b"), openai_result("b"), openai_result("a"), USER])
        is None
    )
    assert (
        anthropic_problem([USER, anthropic_call("a", "b"), anthropic_results("b", "a"), USER])
        is None
    )
