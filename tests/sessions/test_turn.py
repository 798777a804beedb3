"""The turn as a state machine: replaying its stored facts gives the state that was lived."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk.messages import AssistantMessage, Thinking, ToolCall, ToolMessage, UserMessage
from codelab.sdk.model import Usage
from codelab.sessions.api import TurnState, replay, written_out
from codelab.sessions.events import (
    AgentChosen,
    AnswerRestarted,
    AnyFact,
    AssistantMessageCompleted,
    Attachment,
    CheckpointMissed,
    CheckpointRestored,
    CheckpointTaken,
    ContentAttached,
    ContextCompacted,
    ContextRestored,
    PlanStep,
    PlanUpdated,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
    UserMessageReceived,
)

tasks = st.sampled_from(["", "c1", "c2"])
call_ids = st.sampled_from(["c1", "c2", "c3", "c4"])
texts = st.text(max_size=20)
calls = st.lists(
    st.builds(ToolCall, id=call_ids, name=texts, arguments=texts),
    max_size=3,
    unique_by=lambda call: call.id,
).map(tuple)
thoughts = st.none() | st.builds(
    Thinking, model=texts, parts=st.lists(st.dictionaries(texts, texts), max_size=2).map(tuple)
)
usages = st.builds(Usage, input_tokens=st.integers(0, 1000), output_tokens=st.integers(0, 1000))

facts: st.SearchStrategy[AnyFact] = st.one_of(
    st.builds(UserMessageReceived, message_id=texts, text=texts, by=texts),
    st.builds(AgentChosen, agent=texts, reason=texts, task_id=tasks, prompt=texts),
    st.builds(
        AssistantMessageCompleted,
        message_id=texts,
        agent=texts,
        model=texts,
        text=texts,
        tool_calls=calls,
        thinking=thoughts,
        finish_reason=st.sampled_from(["stop", "cancelled", "interrupted"]),
        task_id=tasks,
    ),
    st.builds(
        AnswerRestarted,
        message_id=texts,
        agent=texts,
        failed_model=texts,
        model=texts,
        reason=texts,
        task_id=tasks,
    ),
    st.builds(
        ToolCallRequested,
        call_id=call_ids,
        tool=texts,
        agent=texts,
        parameters=st.dictionaries(texts, st.integers(), max_size=2),
        risk=texts,
        task_id=tasks,
    ),
    st.builds(
        ToolCallCompleted,
        call_id=call_ids,
        tool=texts,
        ok=st.booleans(),
        output=texts,
        invalid_arguments=st.booleans(),
        task_id=tasks,
    ),
    st.builds(PlanUpdated, steps=st.just((PlanStep(id="1", title="t"),)), task_id=tasks),
    st.builds(
        ContextCompacted, agent=texts, hidden=st.lists(texts, max_size=2).map(tuple), task_id=tasks
    ),
    st.builds(ContextRestored, compaction_seq=st.integers(1, 9)),
    st.builds(CheckpointTaken, checkpoint_id=texts, call_id=call_ids, task_id=tasks),
    st.builds(CheckpointMissed, reason=texts, call_id=call_ids, task_id=tasks),
    st.builds(
        CheckpointRestored,
        restoration_id=texts,
        checkpoint_id=texts,
        through_seq=st.integers(0, 9),
        conversation=st.booleans(),
    ),
    st.builds(UsageRecorded, agent=texts, model=texts, usage=usages, task_id=tasks),
    st.builds(TurnFailed, code=texts, message=texts, task_id=tasks),
    st.builds(
        TurnEnded, message_id=texts, stop_reason=st.just("end"), duration_ms=st.integers(0, 9)
    ),
)


@given(st.lists(facts, max_size=30))
def test_replaying_what_was_stored_gives_what_was_lived(log: list[AnyFact]) -> None:
    lived = TurnState("t")
    for fact in log:
        lived.apply(fact)
    decoder = msgspec.json.Decoder(AnyFact)
    stored = [decoder.decode(msgspec.json.encode(fact)) for fact in log]
    assert replay("t", stored) == lived


@given(st.lists(facts, max_size=30))
def test_a_call_has_at_most_one_result(log: list[AnyFact]) -> None:
    state = replay("t", log)
    for task in state.tasks.values():
        awaiting: list[str] = []
        for message in task.messages:
            if isinstance(message, AssistantMessage):
                awaiting = [call.id for call in message.tool_calls]
            if isinstance(message, ToolMessage):
                assert message.call_id in awaiting
                awaiting.remove(message.call_id)


@given(st.lists(facts, max_size=30))
def test_usage_adds_up(log: list[AnyFact]) -> None:
    spent = [fact.usage.input_tokens for fact in log if isinstance(fact, UsageRecorded)]
    assert replay("t", log).usage.input_tokens == sum(spent)


def test_a_task_is_over_with_an_answer_without_calls() -> None:
    call = ToolCall(id="c1", name="read_file", arguments="{}")
    state = TurnState("t")
    state.apply(AgentChosen(agent="coder", reason="."))
    state.apply(
        AssistantMessageCompleted(message_id="1", agent="coder", model="m", tool_calls=(call,))
    )
    assert not state.root.over
    assert list(state.root.open_calls) == ["c1"]
    state.apply(ToolCallCompleted(call_id="c1", tool="read_file", ok=True, output="x"))
    assert not state.root.over
    state.apply(AssistantMessageCompleted(message_id="2", agent="coder", model="m", text="done"))
    assert state.root.over
    assert state.root.last_text == "done"


def test_a_log_from_before_thinking_was_kept_is_read() -> None:
    fact = AssistantMessageCompleted(message_id="1", agent="coder", model="m", text="done")
    stored = msgspec.json.encode(fact)
    assert b"thinking" not in stored
    assert msgspec.json.decode(stored, type=AnyFact) == fact


def test_a_delegated_task_knows_its_depth() -> None:
    call = ToolCall(id="c1", name="delegate", arguments="{}")
    state = TurnState("t")
    state.apply(AssistantMessageCompleted(message_id="1", agent="a", model="m", tool_calls=(call,)))
    state.apply(AgentChosen(agent="b", reason=".", task_id="c1", prompt="do it"))
    assert state.task("c1").depth == 1
    assert state.root.depth == 0


def test_an_answer_that_broke_off_leaves_its_task_to_be_answered() -> None:
    half = AssistantMessageCompleted(
        message_id="m1", agent="ask", model="a", text="Hal", finish_reason="interrupted"
    )
    again = AnswerRestarted(
        message_id="m1", agent="ask", failed_model="a", model="b", reason="It broke off."
    )
    opened = UserMessageReceived(message_id="m0", text="Well?")
    root = replay("t", [opened, half, again]).root
    assert (root.over, root.steps, root.restarts) == (False, 0, 1)
    assert root.messages == [UserMessage(text="Well?")]
    whole = AssistantMessageCompleted(message_id="m2", agent="ask", model="b", text="Half.")
    root = replay("t", [opened, half, again, whole]).root
    assert (root.over, root.last_text, root.restarts) == (True, "Half.", 0)


def test_what_was_found_stands_in_the_message_and_is_no_instruction() -> None:
    piece = Attachment(path="shop/AGENTS.md", kind="found", first=3, last=3, text="     3\tGo on.")
    state = replay(
        "t",
        (
            UserMessageReceived(message_id="m1", text="How?"),
            ContentAttached(attachments=(piece,), to="m1"),
        ),
    )
    (said,) = state.root.said
    assert isinstance(said.message, UserMessage)
    assert said.message.text == f"How?\n\n{written_out((piece,), 'm1')}"
    # A piece does not stand for the whole file, which is still to come with what is touched there.
    assert state.root.instructed == set()
    assert state.instructions == ""
