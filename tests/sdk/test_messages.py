"""Messages survive being written down and read again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

CALLS = st.builds(ToolCall, id=st.text(), name=st.text(), arguments=st.text())
MESSAGES = st.one_of(
    st.builds(SystemMessage, text=st.text()),
    st.builds(UserMessage, text=st.text()),
    st.builds(AssistantMessage, text=st.text(), tool_calls=st.lists(CALLS, max_size=3).map(tuple)),
    st.builds(ToolMessage, call_id=st.text(), name=st.text(), content=st.text(), ok=st.booleans()),
)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    written = msgspec.json.encode(message)
    assert msgspec.json.decode(written, type=Message) == message


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (SystemMessage(text="x"), "system"),
        (UserMessage(text="x"), "user"),
        (AssistantMessage(text="x"), "assistant"),
        (ToolMessage(call_id="1", name="read_file", content="x"), "tool"),
    ],
)
def test_each_message_names_its_role(message: Message, role: str) -> None:
    assert msgspec.to_builtins(message)["role"] == role


def test_broken_arguments_are_kept_as_the_model_wrote_them() -> None:
    message = AssistantMessage(tool_calls=(ToolCall(id="1", name="x", arguments='{"path": '),))
    written = msgspec.json.encode(message)
    assert msgspec.json.decode(written, type=Message) == message
