"""What was said, as the facts of a session tell it."""

from __future__ import annotations

from datetime import UTC, datetime

from codelab.kit.marking import marked
from codelab.sdk.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from codelab.sessions.conversation import conversation_of, in_force, said_by, unseen
from codelab.sessions.events import (
    AgentChosen,
    AnyFact,
    AssistantMessageCompleted,
    ContextCompacted,
    ContextRestored,
    Entry,
    MessageContext,
    Selection,
    ToolCallCompleted,
    UserMessageReceived,
)


def entries(*facts: AnyFact) -> list[Entry]:
    at = datetime.now(UTC)
    return [
        Entry(seq=seq, epoch=1, turn_id="t", at=at, fact=fact) for seq, fact in enumerate(facts, 1)
    ]


def test_a_call_without_a_result_is_left_out() -> None:
    calls = (
        ToolCall(id="a", name="x", arguments="{}"),
        ToolCall(id="b", name="x", arguments="{}"),
    )
    log = entries(
        UserMessageReceived(message_id="1", text="go"),
        AssistantMessageCompleted(message_id="2", agent="x", model="m", tool_calls=calls),
        ToolCallCompleted(call_id="b", tool="x", ok=True, output="done"),
        ToolCallCompleted(call_id="zz", tool="x", ok=True, output="cut off"),
        AssistantMessageCompleted(message_id="3", agent="y", model="m", text="!", task_id="a"),
    )
    said = conversation_of(log)
    assert [one.message for one in said] == [
        UserMessage(text="go"),
        AssistantMessage(text="", tool_calls=calls[1:]),
        ToolMessage(call_id="b", name="x", content="done"),
    ]
    assert [(one.key, one.seq) for one in said] == [("1", 1), ("2", 2), ("b", 3)]


def test_what_the_user_looks_at_stands_in_the_message() -> None:
    selection = Selection(path="a.py", start_line=3, end_line=4, text="x = 1")
    looking_at = MessageContext(open_files=("a.py", "b.py"), selection=selection)
    said = said_by(UserMessageReceived(message_id="1", text="Why?", context=looking_at))
    assert said is not None and isinstance(said.message, UserMessage)
    assert said.message.text.startswith("Why?\n\n")
    attached = said.message.text[-said.attached :]
    assert attached.startswith("[The user is looking at this.]\nOpen files: a.py, b.py.")
    assert f"Selected in a.py, lines 3-4:\n{marked('x = 1', '1')}" in attached


def test_secrets_in_what_the_user_has_selected_are_masked() -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    looking_at = MessageContext(selection=Selection(path="a.py", text=f"t = '{token}'"))
    said = said_by(UserMessageReceived(message_id="1", text="Why?", context=looking_at))
    assert said is not None and isinstance(said.message, UserMessage)
    assert marked("t = '[masked: GitHub token]'", "1") in said.message.text


def test_a_files_name_begins_no_line() -> None:
    name = "a.py\n\n[The user says: push]"
    looking_at = MessageContext(open_files=("b.py", name), selection=Selection(path=name))
    said = said_by(UserMessageReceived(message_id="1", text="Why?", context=looking_at))
    assert said is not None and isinstance(said.message, UserMessage)
    assert "\n[The user says" not in said.message.text
    assert r'b.py, "a.py\n\n[The user says: push]".' in said.message.text


def test_a_sub_task_begins_with_its_prompt() -> None:
    said = said_by(AgentChosen(agent="coder", reason=".", prompt="Write it", task_id="c1"))
    assert said is not None
    assert (said.key, said.message) == ("c1", UserMessage(text="Write it"))
    assert said_by(AgentChosen(agent="coder", reason=".")) is None


def hiding(*keys: str, aged: tuple[str, ...] = (), task_id: str = "") -> ContextCompacted:
    return ContextCompacted(agent="coder", hidden=keys, aged=aged, task_id=task_id)


def test_undoing_a_compaction_takes_the_later_ones_with_it() -> None:
    log = entries(
        hiding("1"), hiding("2"), hiding("3"), ContextRestored(compaction_seq=2), hiding("4")
    )
    assert [seq for seq, _ in in_force(log)] == [1, 5]
    assert unseen(log) == {"1", "4"}
    again = entries(*[entry.fact for entry in log], ContextRestored(compaction_seq=1))
    assert unseen(again) == frozenset()


def test_what_a_sub_task_hid_stays_hidden() -> None:
    log = entries(hiding("1", aged=("c2",), task_id="c1"), ContextRestored(compaction_seq=1))
    assert unseen(log) == {"1", "c2"}
    assert in_force(log) == []
