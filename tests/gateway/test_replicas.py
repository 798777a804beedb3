"""Two replicas over a real relay: every client gets the whole record, wherever it connects."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed

from codelab.hitl.models import approvals
from codelab.kit.clock import utc_now
from codelab.sdk.model import Usage
from codelab.sessions.events import (
    AssistantMessageCompleted,
    SessionState,
    SessionStateChanged,
    TurnEnded,
    TurnLetGo,
    UsageRecorded,
)
from tests.gateway.rig import Frame, Replica, User, open_session, read, read_until, send, sign_up
from tests.support.chance import Chance

DONE = TurnEnded(message_id="last", stop_reason="end", duration_ms=1, usage=Usage())
USED = UsageRecorded(agent="ask", model="x", usage=Usage())


async def prepare(replica: Replica, folder: Path) -> tuple[User, str]:
    ada = await sign_up(replica, "ada")
    session = await open_session(replica, ada, folder)
    await replica.sessions.start_turn(ada.principal, session.id, "hi")
    return ada, session.id


async def test_a_client_elsewhere_sees_what_happens_here(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    ada, session_id = await prepare(here, tmp_path)
    here.say(session_id, "m", "Hel", 0)
    async with ada.socket(there) as client:
        await read(client)
        await send(client, {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}})
        # The replica that runs the turn sends the text so far when it hears of the watcher.
        frames = await read_until(client, "token")
        assert frames[-1]["data"]["text"] == "Hel"
        here.say(session_id, "m", "lo", 3)
        completed = AssistantMessageCompleted(message_id="m", agent="a", model="x", text="Hello")
        await here.append(session_id, completed, DONE)
        frames = await read_until(client, "done")
    assert [frame["type"] for frame in frames] == ["token", "message", "done"]
    assert [frame["seq"] for frame in frames if "seq" in frame] == [2, 3]


async def test_every_client_is_warned_before_a_request_times_out(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    ada, session_id = await prepare(here, tmp_path)
    approval_id = await here.ask(session_id, ada)
    async with ada.socket(here) as near, ada.socket(there) as far:
        for client in (near, far):
            await read(client)
            await send(
                client, {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}}
            )
            await read_until(client, "message")
        soon = utc_now() + timedelta(seconds=59)
        async with here.db.transaction() as tx:
            await tx.execute(
                sa.update(approvals).where(approvals.c.id == approval_id).values(expires_at=soon)
            )
        # Whichever replica sweeps first.
        await there.hitl.expire_due()
        for client in (near, far):
            warning = (await read_until(client, "approval_expiring"))[-1]["data"]
            assert warning["approval_id"] == approval_id
            assert datetime.fromisoformat(warning["expires_at"]) == soon


async def test_a_turn_that_went_on_elsewhere_leaves_no_stale_state(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    ada, session_id = await prepare(here, tmp_path)
    resume = {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}}

    async def states_seen(replica: Replica) -> list[str]:
        async with ada.socket(replica) as client:
            await read(client)
            await send(client, resume)
            frames = await read_until(client, "message")
            await send(client, {"type": "ping", "session_id": session_id})
            frames += await read_until(client, "pong")
        return [frame["data"]["state"] for frame in frames if frame["type"] == "state"]

    def show(replica: Replica, state: SessionState) -> None:
        replica.bus.publish(SessionStateChanged(session_id=session_id, state=state))

    show(here, "processing")
    here.say(session_id, "lost", "never finished", 0)
    assert await states_seen(here) == ["processing"]
    show(here, "waiting")
    await here.turns.release_lease(here.leases[session_id])
    here.bus.publish(TurnLetGo(session_id=session_id))
    assert await states_seen(here) == await states_seen(there) == ["waiting"]

    held = await there.turns.take_lease(session_id)
    assert held is not None
    there.leases[session_id] = held
    show(there, "processing")
    assert await states_seen(here) in ([], ["processing"])
    assert await states_seen(there) == ["processing"]
    async with there.db.transaction() as tx:
        await there.turns.end(tx, held, [], DONE, "ask")
    show(there, "idle")
    there.bus.publish(TurnLetGo(session_id=session_id))
    assert await states_seen(here) == await states_seen(there) == ["idle"]


async def test_a_turn_that_failed_or_was_lost_leaves_nothing_behind(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, _ = pair
    ada, session_id = await prepare(here, tmp_path)
    here.bus.publish(SessionStateChanged(session_id=session_id, state="executing"))
    here.say(session_id, "lost", "never finished", 0)
    here.bus.publish(TurnLetGo(session_id=session_id))
    async with ada.socket(here) as client:
        await read(client)
        await send(client, {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}})
        await read_until(client, "message")
        await here.append(session_id, DONE)
        frames = await read_until(client, "done")
    assert [frame["type"] for frame in frames] == ["done"]


async def watch(
    ada: User, pair: tuple[Replica, Replica], session_id: str, chance: Chance
) -> list[Frame]:
    """Follow a session to its end over connections that break and change their replica."""
    seen: list[Frame] = []
    epoch = 1
    while not seen or seen[-1]["type"] != "done":
        cursor = {"last_seq": seen[-1]["seq"] if seen else 0, "epoch": epoch}
        async with ada.socket(pair[chance.below(2)]) as client:
            await read(client)
            await send(client, {"type": "resume", "session_id": session_id, "data": cursor})
            left = 1 + chance.below(120)
            try:
                while left and not (seen and seen[-1]["type"] == "done"):
                    frame = await read(client, within_s=20)
                    if "seq" in frame:
                        seen.append(frame)
                        left -= 1
                # The connection breaks without a word.
                client.transport.abort()
            except ConnectionClosed:
                continue
    return seen


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_thousand_events_and_many_disconnects(
    pair: tuple[Replica, Replica], tmp_path: Path, seed: int
) -> None:
    here, _ = pair
    ada, session_id = await prepare(here, tmp_path)
    chance = Chance(seed)
    clients = [
        asyncio.create_task(watch(ada, pair, session_id, Chance(seed + number)))
        for number in range(4)
    ]
    written = 1
    while written < 1000:
        batch = [USED] * (1 + chance.below(25))
        here.say(session_id, f"m{written}", "text", 0)
        await here.append(session_id, *batch)
        written += len(batch)
        await asyncio.sleep((0, 0, 0.01, 0.05)[chance.below(4)])
    await here.append(session_id, DONE)
    record = list(range(1, written + 2))
    for seen in await asyncio.wait_for(asyncio.gather(*clients), 30):
        assert [frame["seq"] for frame in seen] == record


async def test_streams_are_back_after_the_relay_was_cut(
    pair: tuple[Replica, Replica], tmp_path: Path, redis_url: str
) -> None:
    here, there = pair
    ada, session_id = await prepare(here, tmp_path)
    async with ada.socket(there) as client, Redis.from_url(redis_url) as control:
        await read(client)
        await send(client, {"type": "resume", "session_id": session_id, "data": {"last_seq": 0}})
        await read_until(client, "message")
        for number in range(3):
            await control.client_kill_filter(_type="pubsub")
            await control.client_kill_filter(_type="normal", skipme=True)
            await here.append(session_id, *[USED] * 5)
            seqs: list[int] = []
            while len(seqs) < 5:
                frame = await read(client, within_s=10)
                seqs += [frame["seq"]] if "seq" in frame else []
            assert seqs == list(range(2 + 5 * number, 7 + 5 * number))


async def test_what_waits_is_told_to_every_socket_of_its_user(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    ada, session_id = await prepare(here, tmp_path)
    eve = await sign_up(here, "eve")
    # On the other replica, and watching no session.
    async with ada.socket(here) as near, ada.socket(there) as far, eve.socket(there) as other:
        for client in (near, far, other):
            assert (await read(client))["type"] == "hello"
        await here.relay.settled("approvals")
        await there.relay.settled("approvals")
        approval_id = await here.ask(session_id, ada)
        for client in (near, far):
            told = (await read_until(client, "approvals_waiting"))[-1]
            (one,) = told["data"]["approvals"]
            assert told["data"]["count"] == 1
            assert (one["approval_id"], one["session_id"]) == (approval_id, session_id)
        # Who comes later is told at once what waits.
        async with ada.socket(there) as late:
            (_, told) = await read_until(late, "approvals_waiting")
            assert told["data"]["approvals"] == [one]
        await there.hitl.answer(ada.principal, approval_id, False)
        for client in (near, far):
            told = (await read_until(client, "approvals_waiting"))[-1]
            assert told["data"] == {"count": 0, "approvals": []}
        # One that nobody answers goes the same way.
        second = await here.ask(session_id, ada)
        await read_until(near, "approvals_waiting")
        async with here.db.transaction() as tx:
            past = utc_now() - timedelta(seconds=1)
            where = approvals.c.id == second
            await tx.execute(sa.update(approvals).where(where).values(expires_at=past))
        await there.hitl.expire_due()
        told = (await read_until(near, "approvals_waiting"))[-1]
        assert told["data"]["count"] == 0
        # Nobody else hears of it.
        await send(other, {"type": "ping"})
        assert (await read(other))["type"] == "pong"
