"""Sessions: whose they are, how turns start, what is asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from codelab.kit.errors import InvalidInput, NotFound
from codelab.kit.ids import new_id
from codelab.sessions.api import Sessions, TurnRef
from codelab.sessions.errors import NoTurnInProgress, SessionNotFound, TurnInProgress
from codelab.sessions.events import (
    FactsRecorded,
    MessageContext,
    TurnCancelRequested,
    TurnStarted,
    UserMessageReceived,
)
from codelab.sessions.service import MAX_MESSAGE_CHARACTERS
from tests.sessions.desk import ANN, BEN, Desk

Use = Callable[[Sessions, str], Awaitable[object]]

USES: dict[str, Use] = {
    "get": lambda sessions, one: sessions.get(BEN, one),
    "update": lambda sessions, one: sessions.update(BEN, one, {"title": "mine"}),
    "delete": lambda sessions, one: sessions.delete(BEN, one),
    "start_turn": lambda sessions, one: sessions.start_turn(BEN, one, "hello"),
    "start_turn again": lambda sessions, one: sessions.start_turn(
        BEN, one, "hello", request_id="r1"
    ),
    "request_cancel": lambda sessions, one: sessions.request_cancel(BEN, one),
    "entries": lambda sessions, one: sessions.entries(BEN, one),
    "rate": lambda sessions, one: sessions.rate(BEN, one, "m", "up", ""),
    "feedback": lambda sessions, one: sessions.feedback(BEN, one),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_somebody_elses_session_is_like_one_that_does_not_exist(
    desk: Desk, use: Use, busy: bool
) -> None:
    if busy:
        await desk.start(request_id="r1")
    before = await desk.row()
    answers = []
    for session_id in (desk.session_id, new_id(), "no such id \u00e9\x01"):
        with pytest.raises(SessionNotFound) as refused:
            await use(desk.first.sessions, session_id)
        answers.append((refused.value.code, refused.value.message, refused.value.status))
    assert len(set(answers)) == 1
    assert await desk.row() == before


async def test_a_session_needs_a_workspace_of_ones_own(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.first.sessions.create(BEN, desk.workspace_id)
    assert await desk.first.sessions.list_for(BEN) == []


async def test_what_a_session_is_set_to_can_be_changed(desk: Desk) -> None:
    sessions = desk.first.sessions
    changes = {"title": "Чертёж", "agent": "coder", "model": "m", "archived": True}
    asked = dict(changes)
    record = await sessions.update(ANN, desk.session_id, changes)
    assert (record.title, record.agent, record.model, record.archived) == tuple(asked.values())
    assert changes == asked
    assert await sessions.list_for(ANN) == []
    assert [one.id for one in await sessions.list_for(ANN, archived=True)] == [desk.session_id]
    assert (await sessions.update(ANN, desk.session_id, {"agent": None})).agent is None


async def test_sessions_are_listed_in_pages_the_newest_first(desk: Desk) -> None:
    sessions = desk.first.sessions
    for _ in range(4):
        await sessions.create(ANN, desk.workspace_id)
    found = [one.id for one in await sessions.list_for(ANN)]
    assert found == sorted(found, reverse=True)
    assert len(found) == 5
    first = await sessions.list_for(ANN, limit=2)
    rest = await sessions.list_for(ANN, before=first[-1].id)
    assert [one.id for one in (*first, *rest)] == found


async def test_starting_a_turn_records_the_message_and_takes_the_lease(desk: Desk) -> None:
    context = MessageContext(open_files=("a.py",))
    turn = await desk.first.sessions.start_turn(
        ANN, desk.session_id, "Do it", agent="coder", model="m", context=context
    )
    (entry,) = await desk.log()
    assert (entry.seq, entry.epoch, entry.turn_id) == (1, 1, turn.turn_id)
    assert entry.fact == UserMessageReceived(
        message_id=turn.message_id,
        text="Do it",
        by="ann",
        agent="coder",
        model="m",
        context=context,
    )
    recorded, started = desk.first.heard
    assert isinstance(recorded, FactsRecorded)
    assert recorded.entries == (entry,)
    assert isinstance(started, TurnStarted)
    assert started.opening == entry
    assert started.held.turn_id == turn.turn_id
    assert started.held.workspace_id == desk.workspace_id
    row = await desk.row()
    assert (row.active_turn_id, row.lease_generation) == (turn.turn_id, started.held.generation)


async def test_a_session_works_on_one_message_at_a_time(desk: Desk) -> None:
    held = await desk.held()
    with pytest.raises(TurnInProgress):
        await desk.start("Another")
    with pytest.raises(TurnInProgress):
        await desk.start("Another", request_id="new")
    assert len(await desk.log()) == 1
    await desk.first.end(held)
    await desk.start("Another")


async def test_the_same_request_starts_one_turn_whenever_it_comes_again(desk: Desk) -> None:
    first = await desk.start("Once", request_id="r1")
    assert await desk.start("Once", request_id="r1") == first
    await desk.first.end(desk.first.events(TurnStarted)[0].held)
    assert await desk.start("Once", request_id="r1") == first
    assert (await desk.row()).active_turn_id is None
    other = await desk.start("Once", request_id="r2")
    assert other.turn_id != first.turn_id
    assert len(desk.first.events(TurnStarted)) == 2


async def test_the_same_request_many_times_at_once_starts_one_turn(desk: Desk) -> None:
    second = desk.office()
    turns = await asyncio.gather(
        *(
            desk.start("Once", at=office, request_id="r1")
            for office in (desk.first, second)
            for _ in range(10)
        )
    )
    assert len(set(map(repr, turns))) == 1
    started = [*desk.first.events(TurnStarted), *second.events(TurnStarted)]
    assert len(started) == 1
    assert len(await desk.log()) == 1


async def test_different_requests_at_once_start_one_turn_and_refuse_the_others(
    desk: Desk,
) -> None:
    second = desk.office()
    outcomes = await asyncio.gather(
        *(
            desk.start("One of many", at=office, request_id=f"{index}-{number}")
            for index, office in enumerate((desk.first, second))
            for number in range(10)
        ),
        return_exceptions=True,
    )
    assert len([one for one in outcomes if isinstance(one, TurnRef)]) == 1
    assert len([one for one in outcomes if isinstance(one, TurnInProgress)]) == 19


async def test_the_same_request_in_another_session_is_another_turn(desk: Desk) -> None:
    other = await desk.first.sessions.create(ANN, desk.workspace_id)
    first = await desk.start(request_id="r1")
    second = await desk.first.sessions.start_turn(ANN, other.id, "Do it", request_id="r1")
    assert first.turn_id != second.turn_id


async def test_the_first_message_names_the_session(desk: Desk) -> None:
    held = await desk.held()
    sessions = desk.first.sessions
    assert (await sessions.get(ANN, desk.session_id)).title == "Do it"
    await desk.first.end(held)
    await desk.start("Something else")
    assert (await sessions.get(ANN, desk.session_id)).title == "Do it"


@pytest.mark.parametrize(
    ("text", "title"),
    [("  Почини\n\n тесты  ", "Почини тесты"), ("x" * 300, "x" * 80), ("\x00odd", "\x00odd")],
)
async def test_titles_are_short_and_on_one_line(desk: Desk, text: str, title: str) -> None:
    await desk.start(text)
    assert (await desk.first.sessions.get(ANN, desk.session_id)).title == title


async def test_a_title_of_the_users_own_stays(desk: Desk) -> None:
    await desk.first.sessions.update(ANN, desk.session_id, {"title": "Mine"})
    await desk.start("Do it")
    assert (await desk.first.sessions.get(ANN, desk.session_id)).title == "Mine"


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (MAX_MESSAGE_CHARACTERS + 1)])
async def test_messages_that_are_empty_or_too_long_start_nothing(desk: Desk, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.start(text)
    assert refused.value.field == "message"
    assert await desk.log() == []


async def test_cancelling_marks_the_turn_and_tells(desk: Desk) -> None:
    with pytest.raises(NoTurnInProgress):
        await desk.first.sessions.request_cancel(ANN, desk.session_id)
    held = await desk.held()
    turn_id = await desk.first.sessions.request_cancel(ANN, desk.session_id)
    assert turn_id == held.turn_id
    (told,) = desk.first.events(TurnCancelRequested)
    assert (told.session_id, told.turn_id) == (desk.session_id, turn_id)
    leases = await desk.first.turns.renew_leases([desk.session_id])
    assert leases[desk.session_id].cancel_requested
    await desk.first.end(held)
    # The wish ends with the turn.
    again = await desk.held()
    assert not again.cancel_requested
    assert not (await desk.row()).cancel_requested


async def test_deleting_a_session_deletes_everything_and_stops_its_turn(desk: Desk) -> None:
    held = await desk.held()
    await desk.say("m")
    await desk.first.sessions.rate(ANN, desk.session_id, "m", "up", "")
    await desk.first.sessions.delete(ANN, desk.session_id)
    assert [told.turn_id for told in desk.first.events(TurnCancelRequested)] == [held.turn_id]
    assert await desk.first.turns.entries(desk.session_id, held.turn_id) == []
    with pytest.raises(SessionNotFound):
        await desk.first.turns.origin_of(desk.session_id, held.turn_id)


async def test_the_log_is_read_in_pages(desk: Desk) -> None:
    held = await desk.held()
    async with desk.first.db.transaction() as tx:
        facts = [UserMessageReceived(message_id=str(number), text="x") for number in range(30)]
        await desk.first.turns.append(tx, desk.session_id, held.turn_id, facts, held=held)
    sessions = desk.first.sessions
    page = await sessions.entries(ANN, desk.session_id, 10, 5)
    assert [entry.seq for entry in page] == [11, 12, 13, 14, 15]
    assert [entry.seq for entry in await sessions.entries(ANN, desk.session_id, 29)] == [30, 31]
    assert await sessions.entries(ANN, desk.session_id, 31) == []


async def test_the_later_word_on_a_message_replaces_the_earlier(desk: Desk) -> None:
    sessions = desk.first.sessions
    await desk.say("m1", "m2")
    await sessions.rate(ANN, desk.session_id, "m1", "up", "good")
    await sessions.rate(ANN, desk.session_id, "m2", "up", "")
    await sessions.rate(ANN, desk.session_id, "m1", "down", "not so good")
    given = {one.message_id: one for one in await sessions.feedback(ANN, desk.session_id)}
    assert {name: one.rating for name, one in given.items()} == {"m1": "down", "m2": "up"}
    assert given["m1"].comment == "not so good"


async def test_many_words_at_once_leave_one(desk: Desk) -> None:
    await desk.say("m1")
    second = desk.office()
    ratings = [
        office.sessions.rate(ANN, desk.session_id, "m1", rating, rating)
        for office in (desk.first, second)
        for rating in ("up", "down") * 5
    ]
    await asyncio.gather(*ratings)
    (given,) = await desk.first.sessions.feedback(ANN, desk.session_id)
    assert given.rating == given.comment
