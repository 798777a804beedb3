"""The prompt: what fits, what ages out, and that calls and results stay together."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.context import (
    Budget,
    earlier_messages,
    estimate_tokens,
    fit,
    message_tokens,
    prompt_window,
)
from codelab.sdk.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from codelab.sdk.model import ModelInfo
from codelab.sessions.events import (
    AnyFact,
    AssistantMessageCompleted,
    Entry,
    ToolCallCompleted,
    UserMessageReceived,
)

SYSTEM = SystemMessage(text="You are a test.")
sizes = st.integers(min_value=1, max_value=4000)


def conversation(lengths: list[int]) -> list[Message]:
    messages: list[Message] = []
    for index, length in enumerate(lengths):
        call = ToolCall(id=f"c{index}", name="read_file", arguments="{}")
        messages += [
            UserMessage(text="q" * length),
            AssistantMessage(text="", tool_calls=(call,)),
            ToolMessage(call_id=call.id, name=call.name, content="r" * length),
            AssistantMessage(text="a" * length),
        ]
    return messages


@given(st.lists(sizes, max_size=12), sizes, st.integers(min_value=100, max_value=20_000))
def test_history_fits_and_starts_with_a_question(
    lengths: list[int], current: int, budget: int
) -> None:
    now = [UserMessage(text="n" * current)]
    fitted = fit(SYSTEM, conversation(lengths), now, Budget(tokens=budget))
    assert fitted[0] is SYSTEM
    assert fitted[-1] == now[0]
    history = fitted[1:-1]
    if history:
        assert isinstance(history[0], UserMessage)
        assert sum(map(message_tokens, fitted)) <= budget


@given(st.lists(sizes, max_size=12), st.integers(min_value=100, max_value=20_000))
def test_every_result_keeps_its_call(lengths: list[int], budget: int) -> None:
    fitted = fit(SYSTEM, conversation(lengths), [UserMessage(text="?")], Budget(tokens=budget))
    called: set[str] = set()
    for message in fitted:
        if isinstance(message, AssistantMessage):
            called |= {call.id for call in message.tool_calls}
        if isinstance(message, ToolMessage):
            assert message.call_id in called


def test_old_results_age_out_before_messages() -> None:
    messages = conversation([3000, 10])
    room = sum(map(message_tokens, messages)) - 300
    fitted = fit(SYSTEM, messages, [UserMessage(text="?")], Budget(tokens=room + 30))
    results = [message for message in fitted if isinstance(message, ToolMessage)]
    assert "left out" in results[0].content
    assert results[1].content == "r" * 10
    assert len(fitted) == len(messages) + 2


def test_the_newest_ten_messages_of_the_turn_stay_while_they_fit() -> None:
    current = conversation([5000] * 5)
    room = sum(map(message_tokens, [SYSTEM, *current])) - 100
    fitted = fit(SYSTEM, [], current, Budget(tokens=room))
    assert list(fitted[-10:]) == current[-10:]
    assert len(fitted) == len(current) + 1
    assert sum(map(message_tokens, fitted)) <= room


def test_the_turn_itself_fits_even_when_its_newest_results_are_long() -> None:
    current: list[Message] = [UserMessage(text="?")]
    for index in range(4):
        call = ToolCall(id=f"c{index}", name="read_file", arguments="{}")
        current += [
            AssistantMessage(tool_calls=(call,)),
            ToolMessage(call_id=call.id, name=call.name, content=f"{index}" * 40_000),
        ]
    fitted = fit(SYSTEM, [], current, Budget(tokens=6000))
    assert sum(map(message_tokens, fitted)) <= 6000
    assert len(fitted) == len(current) + 1
    newest = fitted[-1]
    assert isinstance(newest, ToolMessage)
    assert newest.content.startswith("3" * 10_000)
    assert "left out" in newest.content


@given(
    st.integers(min_value=1, max_value=2_000_000),
    st.integers(min_value=1, max_value=2_000_000),
    st.integers(min_value=2000, max_value=200_000),
)
def test_a_prompt_leaves_room_for_the_answer(window: int, answer: int, limit: int) -> None:
    model = ModelInfo(name="m", provider="p", context_tokens=window, max_output_tokens=answer)
    room = prompt_window(model, limit)
    assert 0 < room <= min(limit, window)
    assert window - room >= min(answer, window // 4)


@given(st.text(max_size=500))
def test_no_text_is_free(text: str) -> None:
    assert estimate_tokens(text) >= 1 + len(text) // 4


def entries(*facts: AnyFact) -> list[Entry]:
    at = datetime.now(UTC)
    return [
        Entry(seq=seq, epoch=1, turn_id="t", at=at, fact=fact) for seq, fact in enumerate(facts, 1)
    ]


def test_a_call_without_a_result_is_left_out_of_history() -> None:
    calls = (
        ToolCall(id="a", name="x", arguments="{}"),
        ToolCall(id="b", name="x", arguments="{}"),
    )
    log = entries(
        UserMessageReceived(message_id="1", text="go"),
        AssistantMessageCompleted(message_id="2", agent="x", model="m", tool_calls=calls),
        ToolCallCompleted(call_id="b", tool="x", ok=True, output="done"),
        ToolCallCompleted(call_id="zz", tool="x", ok=True, output="cut off"),
    )
    assert earlier_messages(log) == [
        UserMessage(text="go"),
        AssistantMessage(text="", tool_calls=calls[1:]),
        ToolMessage(call_id="b", name="x", content="done"),
    ]
