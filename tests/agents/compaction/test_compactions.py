"""Compacting when a user asks for it, and undoing it."""

from __future__ import annotations

import asyncio

import pytest

from codelab.agents.api import Compaction, Compactions
from codelab.agents.errors import NothingToCompact
from codelab.auth.api import Principal
from codelab.kit.ids import new_id
from codelab.sessions.errors import CompactionNotFound, SessionNotFound, TurnInProgress
from codelab.sessions.events import Entry
from codelab.sessions.history import read_page
from tests.agents.cast import Held, say
from tests.agents.stage import ANN, Stage, until

SUMMARIST = "You"


def compactions(stage: Stage) -> Compactions:
    replica = stage.first
    return Compactions(replica.services, replica.sessions, replica.workspaces)


async def talk(stage: Stage, turns: int = 6) -> None:
    for number in range(turns):
        stage.cast.script("coder", say(f"Answer {number}. {'a' * 3000}"))
        await stage.turn(f"Question {number}. {'q' * 3000}")


async def compact(stage: Stage) -> Compaction:
    stage.cast.script(SUMMARIST, say("They spoke."))
    return await compactions(stage).compact(ANN, stage.session_id)


async def hidden_in_history(stage: Stage) -> list[str]:
    page = await read_page(stage.first.sessions, ANN, stage.session_id, 0, 500)
    return [item.text.partition(". ")[0] for item in page.items if item.hidden]


async def log(stage: Stage) -> list[Entry]:
    return await stage.first.sessions.entries(ANN, stage.session_id)


async def test_what_a_user_has_compacted_is_hidden_and_still_there(stage: Stage) -> None:
    await talk(stage)
    before = await log(stage)
    made = await compact(stage)
    assert made.in_force
    assert made.tokens_after < 0.75 * made.tokens_before
    assert (made.summary, made.model) == ("They spoke.", "scripted")
    hidden = await hidden_in_history(stage)
    assert len(hidden) == made.hidden_messages
    assert hidden[:2] == ["Question 0", "Answer 0"]
    assert (await log(stage))[: len(before)] == before
    stage.cast.script("coder", say("Yes."))
    await stage.turn("Go on")
    shown = str(stage.cast.asked("coder")[-1].messages)
    assert "They spoke." in shown
    assert "Question 0." not in shown


async def test_undoing_it_shows_the_model_everything_again(stage: Stage) -> None:
    await talk(stage)
    made = await compact(stage)
    await compactions(stage).restore(ANN, stage.session_id, made.seq)
    assert await hidden_in_history(stage) == []
    (listed,) = await compactions(stage).list_for(ANN, stage.session_id)
    assert not listed.in_force
    stage.cast.script("coder", say("Yes."))
    last = stage.cast.asked("coder")[-1].messages
    await stage.turn("Go on")
    assert stage.cast.asked("coder")[-1].messages[: len(last)] == last
    with pytest.raises(CompactionNotFound):
        await compactions(stage).restore(ANN, stage.session_id, made.seq)
    again = await compact(stage)
    assert (await hidden_in_history(stage))[:2] == ["Question 0", "Answer 0"]
    assert again.hidden_messages >= made.hidden_messages


async def test_undoing_one_undoes_those_that_stand_on_it(stage: Stage) -> None:
    await talk(stage)
    first = await compact(stage)
    await talk(stage)
    await compact(stage)
    await compactions(stage).restore(ANN, stage.session_id, first.seq)
    listed = await compactions(stage).list_for(ANN, stage.session_id)
    assert [one.in_force for one in listed] == [False, False]


async def test_what_is_short_is_left_alone(stage: Stage) -> None:
    stage.cast.script("coder", say("Hello."))
    await stage.turn("Hello?")
    with pytest.raises(NothingToCompact):
        await compactions(stage).compact(ANN, stage.session_id)
    assert await compactions(stage).list_for(ANN, stage.session_id) == []


async def test_nothing_is_changed_while_a_turn_runs(stage: Stage) -> None:
    await talk(stage)
    made = await compact(stage)
    held = Held(say("Done."))
    stage.cast.script("coder", held)
    turn = await stage.ask("Go on")
    await held.reached.wait()
    with pytest.raises(TurnInProgress):
        await compactions(stage).compact(ANN, stage.session_id)
    with pytest.raises(TurnInProgress):
        await compactions(stage).restore(ANN, stage.session_id, made.seq)
    held.release.set()
    await stage.over(turn)


async def test_a_turn_that_begins_meanwhile_wins(stage: Stage) -> None:
    await talk(stage)
    summary = Held(say("They spoke."))
    stage.cast.script(SUMMARIST, summary)

    async def ask_meanwhile() -> None:
        await until(lambda: summary.reached.is_set())
        stage.cast.script("coder", say("Done."))
        await stage.turn("Go on")
        summary.release.set()

    with pytest.raises(TurnInProgress):
        await asyncio.gather(compactions(stage).compact(ANN, stage.session_id), ask_meanwhile())
    assert await hidden_in_history(stage) == []


async def test_only_the_owner_may(stage: Stage) -> None:
    await talk(stage)
    made = await compact(stage)
    bob = Principal(user_id=new_id(), name="bob")
    for refused in (
        compactions(stage).compact(bob, stage.session_id),
        compactions(stage).restore(bob, stage.session_id, made.seq),
        compactions(stage).list_for(bob, stage.session_id),
    ):
        with pytest.raises(SessionNotFound):
            await refused
