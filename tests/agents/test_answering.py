"""Answers that break off, hold nothing or are cut off: asked for again, and never half believed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from codelab.agents.live import LiveTurn
from codelab.llm.errors import (
    AnswerTimeout,
    ModelError,
    ModelFailed,
    ModelInterrupted,
    ModelTimeout,
)
from codelab.sdk.messages import AssistantMessage, UserMessage
from codelab.sessions.events import (
    AnswerRestarted,
    AssistantMessageCompleted,
    TokenStreamed,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
)
from tests.agents.cast import Broken, Held, call, cut, say
from tests.agents.stage import ANN, Stage, of, until
from tests.agents.test_takeover import STALLED, stall


@pytest.mark.parametrize("error", [ModelInterrupted("It broke off."), ModelTimeout("It stopped.")])
async def test_an_answer_that_breaks_off_is_asked_for_again(
    stage: Stage, error: ModelError
) -> None:
    stage.cast.script("coder", Broken("Half an ans", error), say("A whole answer."))
    facts = await stage.turn("What is this?")
    half, whole = of(facts, AssistantMessageCompleted)
    (restarted,) = of(facts, AnswerRestarted)
    assert (half.text, half.finish_reason) == ("Half an ans", "interrupted")
    assert (restarted.message_id, restarted.reason) == (half.message_id, error.message)
    assert (restarted.failed_model, restarted.model) == ("scripted", "scripted")
    assert (whole.text, whole.finish_reason) == ("A whole answer.", "stop")
    assert facts.index(half) < facts.index(restarted) < facts.index(whole)
    (ended,) = of(facts, TurnEnded)
    assert (ended.stop_reason, ended.message_id) == ("end", whole.message_id)
    streamed = {event.message_id for event in stage.first.events(TokenStreamed)}
    assert streamed == {half.message_id, whole.message_id}


async def test_an_answer_without_an_end_is_not_asked_for_again(stage: Stage) -> None:
    error = AnswerTimeout("scripted was still answering after 1200 s and was cut off.")
    stage.cast.script("coder", Broken("On and on", error))
    facts = await stage.turn("What is this?")
    (told,) = of(facts, AssistantMessageCompleted)
    assert (told.text, told.finish_reason) == ("On and on", "interrupted")
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, failed.message) == ("answer_timeout", error.message)
    assert len(of(facts, UsageRecorded)) == 1
    assert len(stage.cast.asked("coder")) == 1


async def test_what_broke_off_is_in_no_prompt(stage: Stage) -> None:
    broken = Broken("Half an ans", ModelInterrupted("It broke off."))
    stage.cast.script("coder", broken, say("A whole answer."), say("Next."))
    await stage.turn("What is this?", agent="coder")
    again = stage.cast.asked("coder")[1]
    assert again.messages[1:] == (UserMessage(text="What is this?"),)
    second = await stage.first.sessions.start_turn(ANN, stage.session_id, "go on")
    await stage.over(second)
    assert stage.cast.asked("coder")[-1].messages[1:] == (
        UserMessage(text="What is this?"),
        AssistantMessage(text="A whole answer."),
        UserMessage(text="go on"),
    )


async def test_three_broken_answers_end_in_one_sentence(stage: Stage) -> None:
    error = ModelInterrupted("The answer of scripted broke off before its end.")
    stage.cast.script("coder", *(Broken(f"Half {number}", error) for number in range(3)))
    facts = await stage.turn()
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, failed.retryable) == ("model_answers_unusable", True)
    assert failed.message == (
        "The answer of scripted broke off before its end. That was the third time in a row. "
        "Try again or choose another model."
    )
    # Whatever the user has read stays where it was read.
    halves = of(facts, AssistantMessageCompleted)
    assert [one.text for one in halves] == ["Half 0", "Half 1", "Half 2"]
    assert {one.finish_reason for one in halves} == {"interrupted"}
    assert len(of(facts, AnswerRestarted)) == 2


async def test_a_failed_restart_says_what_was_tried(stage: Stage) -> None:
    broken = Broken("Half", ModelInterrupted("It broke off."))
    stage.cast.script("coder", broken, *(ModelFailed("It is down.") for _ in range(3)))
    facts = await stage.turn()
    (failed,) = of(facts, TurnFailed)
    assert failed.code == "no_model_available"
    assert "scripted: It is down." in failed.message
    assert of(facts, AssistantMessageCompleted)[0].text == "Half"


async def test_an_empty_answer_is_asked_for_again(stage: Stage) -> None:
    stage.cast.script("coder", say(""), say(" \n"), say("Here."))
    facts = await stage.turn()
    assert [one.text for one in of(facts, AssistantMessageCompleted)] == ["Here."]
    assert [one.reason for one in of(facts, AnswerRestarted)] == [
        "scripted gave an empty answer."
    ] * 2
    # All three were paid for.
    assert len(of(facts, UsageRecorded)) == 3


async def test_nothing_but_empty_answers_end_in_one_sentence(stage: Stage) -> None:
    stage.cast.script("coder", *(say("") for _ in range(3)))
    facts = await stage.turn()
    assert of(facts, TurnFailed)[0].message.startswith("scripted gave an empty answer. That was")
    assert len(of(facts, UsageRecorded)) == 3
    assert len(stage.cast.asked("coder")) == 3


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_calls_of_an_answer_that_was_cut_off_never_run(stage: Stage, reason: str) -> None:
    # What is left of the call may well look whole.
    calls = (call("look"), call("update_plan", {"steps": []}))
    stage.cast.script("coder", cut("I will", reason, *calls), say("I did it in steps."))
    facts = await stage.turn()
    assert stage.first.props.look.started == 0
    results = of(facts, ToolCallCompleted)
    assert [(one.ok, one.output[:8]) for one in results] == [(False, "Not run:")] * 2
    assert len(of(facts, ToolCallRequested)) == 2
    assert all(results[0].output in one.content for one in stage.cast.told("coder"))
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_cut_off_calls_three_times_in_a_row_end_the_turn(stage: Stage) -> None:
    stage.cast.script("coder", *(cut("", "length", call("look")) for _ in range(3)))
    facts = await stage.turn()
    assert of(facts, TurnFailed)[0].code == "model_broken_tool_calls"


async def test_a_provider_cannot_use_our_own_words(stage: Stage) -> None:
    stage.cast.script("coder", cut("Whole.", "interrupted"))
    facts = await stage.turn()
    assert of(facts, AssistantMessageCompleted)[0].finish_reason == "stop"
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_a_replica_that_takes_over_counts_on(bare_stage: Stage) -> None:
    first = await bare_stage.replica(pace=STALLED)
    held, error = Held(say("Never read.")), ModelInterrupted("It broke off.")
    bare_stage.cast.script(
        "coder", Broken("One", error), held, Broken("Two", error), Broken("Three", error)
    )
    turn = await bare_stage.ask(on=first)
    await asyncio.wait_for(held.reached.wait(), 10)
    await bare_stage.replica()
    await stall(bare_stage)
    facts = await bare_stage.over(turn)
    assert [one.text for one in of(facts, AssistantMessageCompleted)] == ["One", "Two", "Three"]
    assert of(facts, TurnFailed)[0].code == "model_answers_unusable"
    held.release.set()
    await until(lambda: not first.runner.running)
    assert await bare_stage.facts(turn) == facts


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nobody looks for what keeps itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_failed_turn_is_gone_when_it_is_over(stage: Stage) -> None:
    stage.cast.script("coder", *[Broken("Let me", ModelInterrupted("It broke off."))] * 3)
    await stage.over(await stage.ask())

    def is_gone() -> bool:
        turns = (one for one in gc.get_objects() if type(one) is LiveTurn)
        return not any(turn.held.session_id == stage.session_id for turn in turns)

    await until(is_gone)
