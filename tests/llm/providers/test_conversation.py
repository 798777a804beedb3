"""What a model is shown: its own thinking, readable calls, marks for the cache."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.providers.conversation import (
    mark_prefixes,
    readable,
    takes_marks,
    write_conversation,
)
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import ModelRequest

CLAUDE = "anthropic/claude-x"
THOUGHT = Thinking(model=CLAUDE, parts=({"type": "thinking", "thinking": "a", "signature": "b"},))
LONG = SystemMessage(text="You help. " * 500)


def step(number: int) -> tuple[Message, Message]:
    call = ToolCall(id=f"call_{number}", name="read_file", arguments="{}")
    return (
        AssistantMessage(tool_calls=(call,), thinking=THOUGHT),
        ToolMessage(call_id=call.id, name="read_file", content="text"),
    )


def written(model: str, *messages: Message) -> list[dict[str, Any]]:
    return write_conversation(ModelRequest(model="m", messages=messages), model)


def marked(messages: list[dict[str, Any]]) -> list[int]:
    return [place for place, message in enumerate(messages) if "cache_control" in message]


def test_thinking_goes_back_to_the_model_that_thought_it_and_to_no_other() -> None:
    conversation = (UserMessage(text="Hello?"), *step(1))
    assert written(CLAUDE, *conversation)[1]["thinking_blocks"] == list(THOUGHT.parts)
    assert "thinking_blocks" not in written("anthropic/claude-y", *conversation)[1]


@given(st.text())
def test_arguments_are_an_object_for_whoever_wants_one(arguments: str) -> None:
    read = msgspec.json.decode(readable(arguments))
    assert isinstance(read, dict)
    assert readable(readable(arguments)) == readable(arguments)


def test_instructions_the_last_message_and_the_one_before_are_marked() -> None:
    conversation = (LONG, UserMessage(text="Hello?"), *step(1), *step(2))
    messages = written(CLAUDE, *conversation)
    assert marked(messages) == [0, 3, 5]
    # The next request begins with the same prefixes.
    assert set(marked(written(CLAUDE, *conversation, *step(3)))) & {0, 5} == {0, 5}


@pytest.mark.parametrize(
    ("model", "messages"),
    [
        ("openai/gpt-x", (LONG, UserMessage(text="Hello?"))),
        (CLAUDE, (SystemMessage(text="You help."), UserMessage(text="Hello?"))),
    ],
    ids=["a provider without marks", "too short"],
)
def test_nothing_is_marked_in_vain(model: str, messages: tuple[Message, ...]) -> None:
    assert marked(written(model, *messages)) == []


def test_claude_is_known_wherever_it_runs() -> None:
    assert takes_marks("openrouter/anthropic/claude-sonnet-5")
    assert takes_marks("bedrock/eu.anthropic.Claude-v9")
    assert not takes_marks("gemini/gemini-2.5-pro")
    assert not takes_marks("openai/claude-like")


_ROLES = st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), max_size=12)


@given(_ROLES)
def test_there_are_never_too_many_marks(roles: list[str]) -> None:
    messages = [{"role": role, "content": "text"} for role in roles]
    mark_prefixes(messages)
    assert len(marked(messages)) <= 3
    assert all(messages[place]["role"] != "assistant" for place in marked(messages))
