"""A connection that is lost comes back and takes up where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codelab.cli.chat.frames import Frame, request
from codelab.cli.chat.server import ServerRefused
from codelab.cli.chat.transcript import Transcript
from tests.cli.chat.scripted_server import Peer, ScriptedServer, connect


async def collect(
    frames: list[Frame], transcript: Transcript, source: AsyncIterator[Frame], last: str
) -> None:
    async for frame in source:
        transcript.apply(frame)
        frames.append(frame)
        if frame.type == last:
            return


async def test_it_shows_its_token_and_asks_for_what_it_has_not_seen(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.receive("resume")
        await peer.send("done", 1, stop_reason="end")
        await peer.stay()

    server = ScriptedServer(script)
    async with server.running() as address:
        transcript = Transcript("s")
        connection = connect(address, tmp_path, transcript)
        frames: list[Frame] = []
        await collect(frames, transcript, connection.frames(), "done")
    assert server.tokens == ["Bearer a"]
    assert server.received[0]["data"] == {"last_seq": 0}
    assert server.received[0]["session_id"] == "s"


async def test_after_a_loss_it_resumes_behind_the_last_durable_frame(tmp_path: Path) -> None:
    async def breaks(peer: Peer) -> None:
        await peer.receive("resume")
        await peer.send("usage", 1, input_tokens=1)
        await peer.send("usage", 2, input_tokens=1)
        await peer.close(1012)

    async def continues(peer: Peer) -> None:
        await peer.receive("resume")
        await peer.send("done", 3, stop_reason="end")
        await peer.stay()

    server = ScriptedServer(breaks, continues)
    async with server.running() as address:
        transcript = Transcript("s")
        frames: list[Frame] = []
        source = connect(address, tmp_path, transcript).frames()
        await collect(frames, transcript, source, "done")
    assert [frame.seq for frame in frames] == [1, 2, 3]
    assert [frame["data"] for frame in server.received] == [
        {"last_seq": 0},
        {"last_seq": 2, "epoch": 1},
    ]


async def test_what_was_not_acknowledged_is_sent_again_and_the_rest_is_not(tmp_path: Path) -> None:
    first, second = request("chat", "s", message="one"), request("chat", "s", message="two")

    async def acknowledges_one(peer: Peer) -> None:
        await peer.receive("chat")
        await peer.send("ack", mark=first.id, of="chat")
        await peer.receive("chat")
        await peer.close(4004)

    async def acknowledges_all(peer: Peer) -> None:
        again = await peer.receive("chat")
        await peer.send("ack", mark=again["id"], of="chat")
        await peer.send("done", 1, stop_reason="end")
        await peer.stay()

    server = ScriptedServer(acknowledges_one, acknowledges_all)
    async with server.running() as address:
        transcript = Transcript("s")
        connection = connect(address, tmp_path, transcript)
        await connection.send(first)
        await connection.send(second)
        await collect([], transcript, connection.frames(), "done")
    sent = [frame["id"] for frame in server.received if frame["type"] == "chat"]
    assert sent == [first.id, second.id, second.id]


async def test_a_server_that_does_not_want_it_back_is_obeyed(tmp_path: Path) -> None:
    async def refuses(peer: Peer) -> None:
        await peer.receive("resume")
        await peer.close(4501)

    async with ScriptedServer(refuses).running() as address:
        connection = connect(address, tmp_path, Transcript("s"))
        with pytest.raises(ServerRefused, match="because"):
            await asyncio.wait_for(anext(connection.frames()), 5)
