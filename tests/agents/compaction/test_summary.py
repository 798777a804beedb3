"""What a model is given to summarise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.compaction.summary import transcript
from codelab.sdk.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tests.agents import talks
from tests.agents.talks import Turn, said_in


def test_it_reads_like_minutes() -> None:
    call = ToolCall(id="c", name="read_file", arguments='{"path": "a"}')
    text = transcript(
        [
            UserMessage(text="Why?"),
            AssistantMessage(text="Let me see.", tool_calls=(call,)),
            ToolMessage(call_id="c", name="read_file", content="no such file", ok=False),
        ],
        earlier="They met.",
        room=10_000,
    )
    assert text == (
        "# Summary of what was before\nThey met.\n\n# User\nWhy?\n\n"
        '# Agent\nLet me see.\n-> read_file {"path": "a"}\n\n'
        "# read_file failed\nno such file"
    )


@given(talks.turns, st.integers(min_value=0, max_value=30_000), st.text(max_size=300))
def test_it_is_never_longer_than_its_room(talk: list[Turn], room: int, earlier: str) -> None:
    messages = [one.message for one in said_in(talk)]
    text = transcript(messages, earlier=earlier, room=room)
    assert len(text.encode("utf-8", "ignore")) <= room
