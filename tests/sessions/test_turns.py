"""Turns under a lease: gapless numbers, fenced writers, ends that free the session."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from codelab.kit.clock import utc_now
from codelab.kit.ids import new_id
from codelab.sessions.api import Lease
from codelab.sessions.errors import LeaseLost, SessionNotFound
from codelab.sessions.events import (
    ApprovalAnswered,
    Entry,
    FactsRecorded,
    TurnClosed,
    TurnFailed,
    TurnStarted,
    UserMessageReceived,
)
from codelab.sessions.lease import TTL
from tests.sessions.desk import ANN, DONE, Desk, Office


def said(text: str) -> UserMessageReceived:
    return UserMessageReceived(message_id=text, text=text)


async def append(office: Office, held: Lease, *texts: str) -> tuple[Entry, ...]:
    async with office.db.transaction() as tx:
        facts = [said(text) for text in texts]
        return await office.turns.append(tx, held.session_id, held.turn_id, facts, held=held)


async def answer(office: Office, held: Lease) -> None:
    """Append without a lease, as an answer from outside does."""
    fact = ApprovalAnswered(approval_id="a", call_id="c", status="approved", by="ann")
    async with office.db.transaction() as tx:
        await office.turns.append(tx, held.session_id, held.turn_id, [fact])


async def test_fifty_writers_at_once_leave_no_gap(desk: Desk) -> None:
    held, second = await desk.held(), desk.office()
    await asyncio.gather(
        *(
            append(office, held, *(f"{name}{number}/{part}" for part in range(number % 3 + 1)))
            for name, office in (("a", desk.first), ("b", second))
            for number in range(25)
        )
    )
    entries = await desk.log()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    texts = [entry.fact.text for entry in entries if isinstance(entry.fact, UserMessageReceived)]
    assert len(texts) == len(set(texts)) == 1 + 2 * sum(number % 3 + 1 for number in range(25))
    # What was written together stands together.
    for before, text in pairwise(texts):
        writer, _, part = text.partition("/")
        if part != "0":
            assert before == f"{writer}/{int(part) - 1}"


async def test_what_is_published_is_what_was_stored(desk: Desk) -> None:
    held = await desk.held()
    numbered = await append(desk.first, held, "one", "two")
    recorded = desk.first.events(FactsRecorded)[-1]
    assert recorded.entries == numbered
    assert (recorded.session_id, recorded.user_id) == (desk.session_id, ANN.user_id)
    assert tuple((await desk.log())[-2:]) == numbered


async def test_a_transaction_that_fails_publishes_nothing_and_uses_no_number(desk: Desk) -> None:
    held = await desk.held()
    heard = len(desk.first.heard)
    with pytest.raises(ZeroDivisionError):
        async with desk.first.db.transaction() as tx:
            await desk.first.turns.append(
                tx, held.session_id, held.turn_id, [said("lost")], held=held
            )
            raise ZeroDivisionError
    assert len(desk.first.heard) == heard
    assert [entry.seq for entry in await append(desk.first, held, "kept")] == [2]


async def test_an_overtaken_writer_writes_nothing(desk: Desk) -> None:
    held, second = await desk.held(), desk.office()
    await desk.run_out()
    taken = await second.turns.take_lease(desk.session_id)
    assert taken is not None
    assert (taken.turn_id, taken.generation) == (held.turn_id, held.generation + 1)
    before = await desk.row()
    for attempt in (
        append(desk.first, held, "late"),
        desk.first.end(held),
        desk.first.turns.release_lease(held),
        desk.first.turns.abandon_lease(held),
    ):
        with pytest.raises(LeaseLost):
            await attempt
    assert await desk.row() == before
    assert len(await desk.log()) == 1
    assert not desk.first.events(TurnClosed)
    await append(second, taken, "mine")
    await second.end(taken)
    assert (await desk.log())[-1].fact == DONE


async def test_an_answer_from_outside_needs_no_lease(desk: Desk) -> None:
    held, second = await desk.held(), desk.office()
    await answer(second, held)
    assert [entry.seq for entry in await desk.log()] == [1, 2]
    await append(desk.first, held, "still mine")


async def test_what_belongs_to_a_deleted_session_is_refused(desk: Desk) -> None:
    held = await desk.held()
    await desk.first.sessions.delete(ANN, desk.session_id)
    with pytest.raises(LeaseLost):
        await append(desk.first, held, "late")
    with pytest.raises(SessionNotFound):
        await answer(desk.first, held)


async def test_the_end_frees_the_session_and_says_so(desk: Desk) -> None:
    held = await desk.held()
    await desk.first.sessions.request_cancel(ANN, desk.session_id)
    failed = TurnFailed(code="x", message="It broke.")
    async with desk.first.db.transaction() as tx:
        await desk.first.turns.end(tx, held, [failed], DONE, "coder")
    assert [entry.fact for entry in await desk.log()][1:] == [failed, DONE]
    row = await desk.row()
    assert (row.active_turn_id, row.lease_owner, row.lease_expires_at) == (None, None, None)
    assert not row.cancel_requested
    (closed,) = desk.first.events(TurnClosed)
    assert (closed.turn_id, closed.agent, closed.stop_reason) == (held.turn_id, "coder", "end")
    assert await desk.first.turns.take_lease(desk.session_id) is None
    assert await desk.first.turns.unowned() == []


async def test_a_lease_that_is_held_is_not_taken(desk: Desk) -> None:
    second = desk.office()
    assert await second.turns.take_lease(desk.session_id) is None
    await desk.held()
    assert await second.turns.take_lease(desk.session_id) is None
    assert await desk.first.turns.take_lease(desk.session_id) is None
    assert await second.turns.renew_leases([desk.session_id]) == {}


@pytest.mark.parametrize("how", ["given back", "abandoned", "ran out"])
async def test_a_free_lease_is_taken_once(desk: Desk, how: str) -> None:
    held, second = await desk.held(), desk.office()
    if how == "given back":
        assert not await desk.first.turns.release_lease(held)
    elif how == "abandoned":
        await desk.first.turns.abandon_lease(held)
    else:
        await desk.run_out()
    (found,) = await second.turns.unowned()
    assert (found.session_id, found.turn_id) == (desk.session_id, held.turn_id)
    assert found.is_orphan == (how != "given back")
    taken = await asyncio.gather(
        *(
            office.turns.take_lease(desk.session_id)
            for office in (desk.first, second)
            for _ in range(10)
        )
    )
    assert len([one for one in taken if one is not None]) == 1
    assert await second.turns.unowned() == []


async def test_a_wish_to_cancel_is_not_overlooked_when_the_lease_is_given_back(
    desk: Desk,
) -> None:
    held = await desk.held()
    await desk.first.sessions.request_cancel(ANN, desk.session_id)
    assert await desk.first.turns.release_lease(held)
    (found,) = await desk.first.turns.unowned()
    assert found.is_orphan
    taken = await desk.first.turns.take_lease(desk.session_id)
    assert taken is not None
    assert taken.cancel_requested


async def test_renewing_pushes_the_end_back(desk: Desk) -> None:
    held = await desk.held()
    await desk.run_out()
    owned = await desk.first.turns.renew_leases([desk.session_id, new_id()])
    # Late, but nobody was faster.
    assert owned == {desk.session_id: held}
    left = (await desk.row()).lease_expires_at - utc_now()
    assert TTL - timedelta(seconds=5) < left <= TTL + timedelta(seconds=1)


async def test_turns_that_had_an_owner_are_found_first(desk: Desk) -> None:
    turns, sessions = desk.first.turns, desk.first.sessions
    for number in range(12):
        other = await sessions.create(ANN, desk.workspace_id)
        await sessions.start_turn(ANN, other.id, "wait")
        if number != 7:
            await turns.release_lease(desk.first.events(TurnStarted)[-1].held)
        else:
            desk.session_id = other.id
    await desk.run_out()
    found = await turns.unowned()
    assert len(found) == 12
    assert found[0].session_id == desk.session_id
    assert [one.is_orphan for one in found] == [True] + [False] * 11
