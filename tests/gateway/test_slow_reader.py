"""A client that stops reading: bounded memory, nobody else waits, and it can come back."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from codelab.gateway.closing import CloseCode
from codelab.gateway.outbox import MAX_BYTES
from codelab.sdk.model import Usage
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import AssistantMessageCompleted, TurnEnded
from tests.gateway.rig import Replica, User, read, read_until, send

DONE = TurnEnded(message_id="m", stop_reason="end", duration_ms=1, usage=Usage())
PIECE = "x" * 20_000
PIECES = 1500


async def test_a_stalled_client_is_closed_and_catches_up(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    await replica.sessions.start_turn(ada.principal, session.id, "hi")
    resume = {"type": "resume", "session_id": session.id, "data": {"last_seq": 0}}
    async with (
        ada.socket(replica, max_queue=1) as stalled,
        ada.socket(replica, max_queue=None) as quick,
    ):
        for client in (stalled, quick):
            await read(client)
            await send(client, resume)
            await read_until(client, "message")
        waiting = 0
        for number in range(PIECES):
            # The publisher never waits for a reader: the stalled one reads nothing before the end.
            replica.say(session.id, "m", PIECE, number * len(PIECE))
            assert (await read(quick))["data"]["offset"] == number * len(PIECE)
            waiting = max(waiting, *(c.outbox.waiting_bytes for c in replica.presence.all()))
        await replica.append(session.id, DONE)
        assert [frame["seq"] for frame in await read_until(quick, "done")] == [2]
        assert waiting <= MAX_BYTES + len(PIECE) + 1000
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await read(stalled)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.TOO_SLOW
    async with ada.socket(replica) as again:
        await read(again)
        await send(again, {**resume, "data": {"last_seq": 1, "epoch": 1}})
        assert [f["seq"] for f in await read_until(again, "done") if "seq" in f] == [2]


async def test_a_long_replay_goes_at_the_readers_pace(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    await replica.sessions.start_turn(ada.principal, session.id, "hi")
    for number in range(100):
        completed = AssistantMessageCompleted(
            message_id=f"m{number}", agent="ask", model="x", text="y" * 300_000
        )
        await replica.append(session.id, completed)
    await replica.append(session.id, DONE)
    async with ada.socket(replica, max_queue=1) as client:
        await read(client)
        await send(client, {"type": "resume", "session_id": session.id, "data": {"last_seq": 0}})
        await asyncio.sleep(0.5)
        frames = await read_until(client, "done")
    assert [frame["seq"] for frame in frames if "seq" in frame] == list(range(1, 103))
