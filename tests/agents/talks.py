"""Conversations that nobody has held, for tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from codelab.agents.prompting import Conversation
from codelab.sdk.messages import SystemMessage, ToolCall
from codelab.sdk.model import ModelInfo
from codelab.sessions.api import Said
from codelab.sessions.conversation import conversation_of
from codelab.sessions.events import (
    AnyFact,
    AssistantMessageCompleted,
    Entry,
    ToolCallCompleted,
    UserMessageReceived,
)

SYSTEM = SystemMessage(text="You are a test.")

# What a turn takes: the user's words, and for each step the agent's words and its results.
sizes = st.integers(min_value=0, max_value=6000)
step = st.tuples(sizes, st.lists(sizes, max_size=3))
turns = st.lists(st.tuples(sizes, st.lists(step, max_size=5)), min_size=1, max_size=6)

Turn = tuple[int, list[tuple[int, list[int]]]]


def facts_of(talk: list[Turn]) -> list[AnyFact]:
    """Write a talk's facts."""
    facts: list[AnyFact] = []
    for number, (asked, steps) in enumerate(talk):
        name = f"t{number}"
        facts.append(UserMessageReceived(message_id=f"{name}-u", text=f"{name} {'q' * asked}"))
        for index, (said, results) in enumerate(steps):
            calls = tuple(
                ToolCall(id=f"{name}-{index}-{one}", name="read_file", arguments="{}")
                for one in range(len(results))
            )
            facts.append(
                AssistantMessageCompleted(
                    message_id=f"{name}-{index}",
                    agent="coder",
                    model="m",
                    text=f"{name}.{index} {'ф' * said}",
                    tool_calls=calls,
                )
            )
            facts += [
                ToolCallCompleted(call_id=call.id, tool=call.name, ok=True, output="r" * size)
                for call, size in zip(calls, results, strict=True)
            ]
    return facts


def numbered(facts: list[AnyFact], turn_id: str = "t") -> list[Entry]:
    """Put facts in their places in a log."""
    at = datetime.now(UTC)
    return [
        Entry(seq=seq, epoch=1, turn_id=turn_id, at=at, fact=fact)
        for seq, fact in enumerate(facts, 1)
    ]


def said_in(talk: list[Turn]) -> tuple[Said, ...]:
    """Return what was said in a talk."""
    return conversation_of(numbered(facts_of(talk)))


def conversation(
    said: tuple[Said, ...], *, window: int = 8000, pinned: frozenset[str] = frozenset()
) -> Conversation:
    """Put what was said before a model with a window of this size."""
    model = ModelInfo(name="m", provider="p", context_tokens=window, max_output_tokens=1000)
    return Conversation(
        agent="coder",
        model=model,
        system=SYSTEM,
        tools=(),
        said=said,
        compactions=(),
        pinned=pinned,
    )
