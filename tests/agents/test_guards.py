"""Agents that go round in circles, and turns that take too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents.guards import LONGEST_STEP_S, STOPPED, in_a_row, repeated, worked_s
from codelab.sdk.messages import AssistantMessage, Message, ToolCall, UserMessage
from codelab.sessions.events import (
    AgentChosen,
    AnyFact,
    ApprovalAnswered,
    AssistantMessageCompleted,
    Entry,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UserMessageReceived,
)
from tests.agents.cast import Held, call, say
from tests.agents.stage import ALONE, ANN, Stage, of

letters = st.sampled_from("abc")
steps = st.lists(st.lists(letters, min_size=1, max_size=3), max_size=12)


def messages_of(calls: Sequence[Sequence[str]]) -> list[Message]:
    """Write one message for each step, its calls named by their place."""
    return [
        AssistantMessage(
            tool_calls=tuple(
                ToolCall(id=f"{step}.{place}", name=name, arguments="{}")
                for place, name in enumerate(names)
            )
        )
        for step, names in enumerate(calls)
    ]


@given(st.lists(letters, max_size=12))
def test_single_calls_are_counted_as_they_come(names: list[str]) -> None:
    times = in_a_row(messages_of([[name] for name in names]))
    for place, name in enumerate(names):
        row = 1
        while row <= place and names[place - row] == name:
            row += 1
        assert times[f"{place}.0"] == row


@given(steps)
def test_what_came_before_never_changes_by_what_comes_after(calls: list[list[str]]) -> None:
    whole = in_a_row(messages_of(calls))
    for length in range(len(calls)):
        part = in_a_row(messages_of(calls[:length]))
        assert part.items() <= whole.items()


@given(steps, st.lists(letters, min_size=1, max_size=3, unique=True))
def test_another_call_in_a_message_begins_anew(calls: list[list[str]], names: list[str]) -> None:
    times = in_a_row(messages_of([*calls, [*names, "something else"]]))
    assert {times[f"{len(calls)}.{place}"] for place in range(len(names) + 1)} == {1}


@given(steps)
def test_a_turn_stops_exactly_when_its_last_calls_are_the_fifth(calls: list[list[str]]) -> None:
    messages = messages_of(calls)
    times = in_a_row(messages)
    last = [times[f"{len(calls) - 1}.{place}"] for place in range(len(calls[-1]) if calls else 0)]
    assert (repeated("coder", messages) is not None) == (max(last, default=0) >= STOPPED)


def test_calls_are_compared_by_what_they_mean_and_in_any_order() -> None:
    def message(*calls: ToolCall) -> AssistantMessage:
        return AssistantMessage(tool_calls=calls)

    one = ToolCall(id="1", name="x", arguments='{"a": 1, "b": [2]}')
    same = ToolCall(id="2", name="x", arguments='{"b":[2],"a":1}')
    other = ToolCall(id="3", name="y", arguments="{")
    again = ToolCall(id="4", name="y", arguments="{")
    assert in_a_row([message(one, other), message(again, same)])["2"] == 2
    assert in_a_row([message(one, same)]) == {"1": 1, "2": 1}
    assert in_a_row([message(one), UserMessage(text="Once more"), message(same)])["2"] == 1


async def test_the_third_call_is_warned_of_and_the_fifth_never_runs(stage: Stage) -> None:
    stage.cast.script("coder", *[say("", call("list_files", {"path": "."}))] * 5)
    facts = await stage.turn()
    results = of(facts, ToolCallCompleted)
    assert [one.ok for one in results] == [True] * 4 + [False]
    told = [one.content for one in stage.cast.told("coder")]
    assert ["in a row" in one for one in told] == [False, False, True, True]
    # The warning is ours: it stands outside the marks.
    assert told[2].index("</data") < told[2].index("in a row")
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, of(facts, TurnEnded)[0].stop_reason) == ("calls_repeated", "error")
    assert "list_files 5 times in a row" in failed.message
    assert len(stage.cast.asked("coder")) == 5


async def test_another_replica_counts_on(bare_stage: Stage) -> None:
    first = await bare_stage.replica(pace=ALONE)
    again = say("", call("list_files", {"path": "."}))
    held = Held(again)
    bare_stage.cast.script("coder", again, again, held)
    turn = await bare_stage.ask()
    await held.reached.wait()
    await first.runner.close()
    bare_stage.cast.script("coder", again, again, again, say("Never asked."))
    await bare_stage.replica()
    facts = await bare_stage.over(turn)
    assert of(facts, TurnFailed)[0].code == "calls_repeated"
    assert len(of(facts, ToolCallCompleted)) == STOPPED


async def test_a_sub_task_that_goes_round_in_circles_is_reported(stage: Stage) -> None:
    hand_over = call("delegate", {"agent": "debug", "task": "Look"})
    stage.cast.script("coder", say("", hand_over), say("It could not."))
    stage.cast.script("debug", *[say("", call("list_files", {"path": "."}))] * 5)
    facts = await stage.turn()
    assert of(facts, TurnEnded)[0].stop_reason == "end"
    (told,) = stage.cast.told("coder")
    assert "5 times in a row" in told.content


async def test_a_turn_ends_when_its_time_is_up(bare_stage: Stage) -> None:
    await bare_stage.replica(turn_time_s=1)
    held = Held(say("Too late."))
    bare_stage.cast.script("coder", held)
    facts = await bare_stage.turn()
    assert held.cut
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, of(facts, TurnEnded)[0].stop_reason) == ("turn_too_long", "budget")


async def test_so_does_a_tool_that_runs(bare_stage: Stage) -> None:
    replica = await bare_stage.replica(turn_time_s=0.5)
    bare_stage.cast.script("coder", say("", call("look")), say("Never asked."))
    facts = await bare_stage.turn()
    assert replica.props.look.started == 1
    (result,) = of(facts, ToolCallCompleted)
    assert not result.ok
    assert of(facts, TurnFailed)[0].code == "turn_too_long"


async def test_a_human_may_take_longer_than_a_turn(bare_stage: Stage) -> None:
    await bare_stage.replica(turn_time_s=60)
    write = call("write_file", {"path": "a.txt", "content": "a"})
    bare_stage.cast.script("coder", say("", write), say("Done."))
    turn = await bare_stage.ask()
    (approval,) = await bare_stage.asked()
    await bare_stage.suspended()
    await bare_stage.age_log(timedelta(hours=1))
    await bare_stage.first.hitl.answer(ANN, approval.id, True)
    facts = await bare_stage.over(turn)
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_what_was_worked_before_counts_wherever_it_was(bare_stage: Stage) -> None:
    first = await bare_stage.replica(pace=ALONE)
    held = Held(say("Never read."))
    bare_stage.cast.script("coder", held)
    turn = await bare_stage.ask()
    await held.reached.wait()
    await first.runner.close()
    await bare_stage.age_log(timedelta(minutes=2), last_seq=1)
    await bare_stage.replica(turn_time_s=60)
    facts = await bare_stage.over(turn)
    assert of(facts, TurnFailed)[0].code == "turn_too_long"


def asked(call_id: str, *, waits: bool) -> ToolCallRequested:
    return ToolCallRequested(
        call_id=call_id,
        tool="x",
        agent="coder",
        parameters={},
        risk="low",
        requires_approval=waits,
        approval_id=call_id,
    )


def calls(*names: str, task_id: str = "") -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        message_id=f"m{task_id}",
        agent="coder",
        model="m",
        tool_calls=tuple(ToolCall(id=name, name="x", arguments="{}") for name in names),
        task_id=task_id,
    )


def answered(call_id: str) -> ApprovalAnswered:
    return ApprovalAnswered(approval_id=call_id, call_id=call_id, status="approved", by="ann")


def log(*facts: tuple[float, AnyFact]) -> list[Entry]:
    """Put facts into a log, each so many seconds after the one before."""
    at, entries = datetime(2026, 1, 1, tzinfo=UTC), []
    for seq, (seconds, fact) in enumerate(facts, 1):
        at += timedelta(seconds=seconds)
        entries.append(Entry(seq=seq, epoch=1, turn_id="t", at=at, fact=fact))
    return entries


OPENING: tuple[float, AnyFact] = (0.0, UserMessageReceived(message_id="u", text="Go"))
DONE = ToolCallCompleted(call_id="a", tool="x", ok=True, output="")


def test_waiting_for_a_human_is_not_work() -> None:
    waiting: list[tuple[float, AnyFact]] = [
        (4.0, calls("a")),
        (0.0, asked("a", waits=True)),
        (200.0, answered("a")),
    ]
    assert worked_s(log(OPENING, *waiting, (3.0, DONE))) == 7


def test_while_something_else_goes_on_it_is_work() -> None:
    both: list[tuple[float, AnyFact]] = [
        (1.0, calls("a", "b")),
        (0.0, asked("a", waits=True)),
        (0.0, asked("b", waits=False)),
    ]
    assert worked_s(log(OPENING, *both, (20.0, answered("a")))) == 21


def test_a_sub_task_that_waits_keeps_its_parent_waiting() -> None:
    chosen = AgentChosen(agent="debug", reason="", task_id="a", prompt="Look")
    inner: list[tuple[float, AnyFact]] = [
        (0.0, chosen),
        (2.0, calls("b", task_id="a")),
        (0.0, asked("b", waits=True)),
    ]
    moments = log(OPENING, (1.0, calls("a")), *inner, (100.0, answered("b")))
    assert worked_s(moments) == 3


def test_a_silence_is_no_longer_than_a_step() -> None:
    assert worked_s(log(OPENING, (10 * LONGEST_STEP_S, calls("a")))) == LONGEST_STEP_S


@given(
    st.lists(
        st.tuples(
            st.floats(0, 2000),
            st.sampled_from([calls("a"), asked("a", waits=True), answered("a"), DONE]),
        ),
        max_size=12,
    )
)
def test_never_more_was_worked_than_has_gone_by(moments: list[tuple[float, AnyFact]]) -> None:
    entries = log(OPENING, *moments)
    elapsed = (entries[-1].at - entries[0].at).total_seconds()
    assert 0 <= worked_s(entries) <= elapsed + 1e-3
    assert worked_s(entries[:-1]) <= worked_s(entries) == pytest.approx(worked_s(entries))
