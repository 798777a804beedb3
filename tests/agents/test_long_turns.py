"""Turns and sessions that are longer than a model's window, through the real services."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import pytest

from codelab.agents.counting import message_tokens
from codelab.llm.errors import ContextTooLong, ModelAuthFailed, ModelFailed
from codelab.sdk.model import Completion, ModelInfo, ModelRequest
from codelab.sessions.events import (
    ContextCompacted,
    ContextMeasured,
    MessageContext,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
)
from tests.agents.cast import MODEL, USAGE, call, say
from tests.agents.stage import ANN, Stage, of

SUMMARIST = "You"
BUDGET = MODEL.context_tokens - MODEL.max_output_tokens


def reading(stage: Stage, count: int, characters: int = 20_000) -> list[Completion]:
    """Script steps that each read a long file of their own."""
    steps = []
    for number in range(count):
        name = f"long-{number}.txt"
        (stage.project / name).write_text(f"{number} and more of it\n" * (characters // 20))
        steps.append(say(f"Step {number}.", call("read_file", {"path": name})))
    return steps


def new_beginnings(requests: Sequence[ModelRequest]) -> int:
    """Count the requests that do not begin with all of the one before."""
    return sum(
        later.messages[: len(sooner.messages)] != sooner.messages or later.tools != sooner.tools
        for sooner, later in itertools.pairwise(requests)
    )


def size(request: ModelRequest) -> int:
    return sum(map(message_tokens, request.messages))


async def test_each_prompt_of_a_turn_begins_with_the_one_before(stage: Stage) -> None:
    stage.cast.script("coder", *reading(stage, 9, 400), say("Done."))
    facts = await stage.turn()
    assert len(stage.cast.asked("coder")) == 10
    assert new_beginnings(stage.cast.asked("coder")) == 0
    assert of(facts, ContextCompacted) == []


async def test_so_does_each_prompt_of_a_session_whatever_the_user_looks_at(stage: Stage) -> None:
    for number in range(3):
        stage.cast.script("coder", *reading(stage, 2, 400), say("Done."))
        looking_at = MessageContext(open_files=(f"{number}.py",))
        turn = await stage.first.sessions.start_turn(
            ANN, stage.session_id, f"Do {number}", agent="coder", context=looking_at
        )
        await stage.over(turn)
    asked = stage.cast.asked("coder")
    assert len(asked) == 9
    assert new_beginnings(asked) == 0
    assert "Open files: 2.py." in str(asked[-1].messages)


async def test_a_turn_of_fifty_steps_with_long_results_comes_to_its_end(stage: Stage) -> None:
    stage.cast.script("coder", *reading(stage, 49), say("Done."))
    stage.cast.script(SUMMARIST, *[say("What happened so far.")] * 20)
    facts = await stage.turn()
    (ended,) = of(facts, TurnEnded)
    assert ended.stop_reason == "end"
    compactions = of(facts, ContextCompacted)
    asked = stage.cast.asked("coder")
    assert len(asked) == 50
    assert compactions
    assert new_beginnings(asked) == len(compactions)
    assert max(map(size, asked)) <= BUDGET
    assert all(one.tokens_after <= 0.75 * BUDGET for one in compactions)
    # What the summaries cost is in the log, and in the turn's figure.
    paid = [fact for fact in of(facts, UsageRecorded) if fact.agent == "compaction"]
    assert len(paid) == sum(bool(one.summary) for one in compactions)
    assert ended.usage.input_tokens == (50 + len(paid)) * USAGE.input_tokens


async def test_what_the_user_sees_of_it(stage: Stage) -> None:
    stage.cast.script("coder", say("Done."))
    await stage.turn()
    (measured,) = stage.first.events(ContextMeasured)
    parts = measured.parts
    assert measured.budget_tokens == BUDGET
    assert measured.used_tokens == parts.system + parts.tools + parts.history + parts.attachments
    assert parts.answer == MODEL.max_output_tokens
    assert min(parts.system, parts.tools, parts.history) > 0


async def long_talk(stage: Stage, turns: int = 27) -> None:
    """Hold a conversation of long messages, most of the window."""
    for number in range(turns):
        stage.cast.script("coder", say(f"Answer {number}. {'a' * 3000}"))
        await stage.turn(f"Question {number}. {'q' * 3000}")


async def test_older_turns_are_summarised_and_the_summary_stands_for_them(stage: Stage) -> None:
    stage.cast.script(SUMMARIST, say("They spoke of everything."))
    await long_talk(stage)
    first, *rest = stage.cast.asked("coder")[-1].messages[1:]
    assert "They spoke of everything." in getattr(first, "text", "")
    assert "Question 0." not in str(rest)
    assert "Answer 25." in str(rest)
    assert len(stage.cast.asked(SUMMARIST)) == 1
    assert "Question 0." in str(stage.cast.asked(SUMMARIST)[0].messages)
    assert new_beginnings(stage.cast.asked("coder")) == 1


@pytest.mark.parametrize("line", [ModelFailed("It failed."), say("  ")])
async def test_without_a_summary_a_note_stands_for_them(
    stage: Stage, line: Completion | Exception
) -> None:
    stage.cast.script(SUMMARIST, *[line] * 3)
    await long_talk(stage)
    first = stage.cast.asked("coder")[-1].messages[1]
    assert "Earlier messages were left out" in getattr(first, "text", "")


async def test_another_replica_writes_the_same_prompt(stage: Stage) -> None:
    other = await stage.replica()
    stage.cast.script(SUMMARIST, say("They spoke of everything."))
    await long_talk(stage)
    stage.cast.script("coder", say("One."), say("Two."))
    await stage.over(await stage.ask("Go on"))
    await stage.over(await stage.ask("Go on", on=other))
    sooner, later = stage.cast.asked("coder")[-2:]
    assert later.messages[: len(sooner.messages)] == sooner.messages


async def test_a_sub_task_is_compacted_in_its_own_context(stage: Stage) -> None:
    hand_over = call("delegate", {"agent": "coder", "task": "Read all"})
    stage.cast.script("orchestrator", say("", hand_over), say("All read."))
    stage.cast.script("coder", *reading(stage, 19), say("Read."))
    stage.cast.script(SUMMARIST, *[say("So far.")] * 5)
    facts = await stage.turn(agent="orchestrator")
    compactions = of(facts, ContextCompacted)
    assert compactions
    assert {one.task_id for one in compactions} != {""}
    assert new_beginnings(stage.cast.asked("orchestrator")) == 0
    assert "Read all" in str(stage.cast.asked("coder")[-1].messages[1])


async def test_a_prompt_that_is_refused_is_compacted_and_asked_again(stage: Stage) -> None:
    refusal = ContextTooLong("Too long.", limit_tokens=16_000)
    stage.cast.script("coder", *reading(stage, 4), refusal, say("Done."))
    stage.cast.script(SUMMARIST, *[say("So far.")] * 5)
    facts = await stage.turn()
    assert of(facts, TurnFailed) == []
    assert of(facts, ContextCompacted)
    *_, refused, taken = stage.cast.asked("coder")
    assert size(taken) < 0.75 * size(refused)
    # It has been learnt: the window is smaller than it was said to be.
    assert stage.first.events(ContextMeasured)[-1].budget_tokens < 16_000


async def test_a_model_that_refuses_everything_ends_in_one_sentence(stage: Stage) -> None:
    stage.cast.script("coder", *reading(stage, 4), *[ContextTooLong("Too long.")] * 4)
    stage.cast.script(SUMMARIST, *[say("So far.")] * 5)
    facts = await stage.turn()
    (failed,) = of(facts, TurnFailed)
    assert failed.code == "context_too_long"
    assert "start a new session" in failed.message
    assert 5 <= len(stage.cast.asked("coder")) <= 8


async def test_a_prompt_too_long_for_a_model_that_stands_in_is_compacted_for_that_one(
    bare_stage: Stage,
) -> None:
    small = ModelInfo(name="small", provider="tests", context_tokens=12_000)
    await bare_stage.replica(chain=(MODEL, small))
    away, refusal = ModelAuthFailed("No."), ContextTooLong("Too long.")
    bare_stage.cast.script("coder", *reading(bare_stage, 4), away, refusal, say("Done."))
    bare_stage.cast.script(SUMMARIST, *[say("So far.")] * 5)
    facts = await bare_stage.turn()
    assert of(facts, TurnFailed) == []
    *_, preferred, refused, taken = bare_stage.cast.asked("coder")
    assert [one.model for one in (preferred, refused, taken)] == ["scripted", "small", "small"]
    # Once, and as far as that window asks for: three quarters of it, the answer left out.
    assert len(of(facts, ContextCompacted)) == 1
    assert size(refused) > 12_000
    assert size(taken) < 0.75 * 12_000


async def test_a_prompt_too_long_for_one_that_stands_in_is_not_compacted_where_another_takes_it(
    bare_stage: Stage,
) -> None:
    small = ModelInfo(name="small", provider="tests", context_tokens=12_000)
    large = ModelInfo(name="large", provider="tests", context_tokens=60_000)
    await bare_stage.replica(chain=(MODEL, small, large))
    away, refusal = ModelAuthFailed("No."), ContextTooLong("Too long.")
    bare_stage.cast.script("coder", *reading(bare_stage, 4), away, refusal, say("Done."))
    facts = await bare_stage.turn()
    assert of(facts, ContextCompacted) == []
    assert [one.model for one in bare_stage.cast.asked("coder")[-3:]] == [
        "scripted",
        "small",
        "large",
    ]


async def test_a_summary_stays_within_the_chain_of_the_agent_whose_conversation_it_is(
    bare_stage: Stage,
) -> None:
    models = [msgspec.structs.replace(MODEL, name=name) for name in ("scripted", "own", "spare")]
    await bare_stage.replica(chain=tuple(models), own={"coder": ["own", "spare"]})
    bare_stage.cast.script("coder", *reading(bare_stage, 15), say("Done."))
    bare_stage.cast.script(SUMMARIST, *[ModelAuthFailed("No.")] * 2, *[say("So far.")] * 9)
    facts = await bare_stage.turn()
    assert of(facts, TurnFailed) == []
    asked = [one.model for one in bare_stage.cast.asked(SUMMARIST)]
    # The first of its models has refused the key, and the second; no other gets to read it.
    assert asked[:2] == ["own", "spare"]
    assert "scripted" not in {one.model for _, one in bare_stage.cast.requests}
