"""The WebSocket as its clients meet it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from codelab.gateway.closing import CloseCode
from codelab.sdk.model import Usage
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import AssistantMessageCompleted, TurnEnded
from tests.gateway.rig import ALLOWED_ORIGIN, PASSWORD, Replica, User, read, read_until, send

DONE = TurnEnded(message_id="m", stop_reason="end", duration_ms=1, usage=Usage())


def bare(replica: Replica, path: str = "", **options: Any) -> connect:
    return connect(
        f"ws://127.0.0.1:{replica.port}/api/v1/ws{path}",
        subprotocols=[Subprotocol("codelab.v1")],
        compression=None,
        **options,
    )


async def closed_with(socket: ClientConnection, within_s: float = 5) -> int:
    async with asyncio.timeout(within_s):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code


async def test_the_header_signs_in(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        assert socket.subprotocol == "codelab.v1"
        hello = await read(socket)
    assert hello["type"] == "hello"
    assert hello["data"]["version"] == "1.2.3"
    assert hello["data"]["user_id"] == ada.principal.user_id
    assert hello["data"]["limits"]["frame_bytes"] == 1024 * 1024
    assert hello["data"]["ping_interval_s"] > 0


async def test_a_ticket_signs_in_once(replica: Replica, ada: User) -> None:
    ticket = await replica.auth.issue_ticket(ada.principal)
    async with bare(replica, f"?ticket={ticket}") as socket:
        assert (await read(socket))["type"] == "hello"
    with pytest.raises(InvalidStatus) as refused:
        await bare(replica, f"?ticket={ticket}")
    assert refused.value.response.status_code == 401
    body = msgspec.json.decode(refused.value.response.body)
    assert body["code"] == "unauthenticated"


async def test_the_first_frame_signs_in(replica: Replica, ada: User) -> None:
    async with bare(replica) as socket:
        await send(socket, {"type": "auth", "id": 7, "data": {"token": ada.token}})
        assert (await read(socket))["id"] == 7
        assert (await read(socket))["type"] == "hello"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "auth", "id": "1", "data": {"token": "wrong"}},
        {"type": "ping", "id": "1"},
        {"type": "auth", "id": "1", "data": {}},
    ],
)
async def test_any_other_first_frame_ends_the_connection(
    replica: Replica, frame: dict[str, Any]
) -> None:
    async with bare(replica) as socket:
        await send(socket, frame)
        error = await read(socket)
        assert error["type"] == "error"
        assert error["id"] == "1"
        assert await closed_with(socket) == CloseCode.REFUSED


async def test_a_wrong_header_is_refused_before_the_upgrade(
    replica: Replica, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    for value in ("Bearer nonsense", "Basic YTpi", ""):
        with pytest.raises(InvalidStatus) as refused:
            await bare(replica, additional_headers={"Authorization": value})
        assert refused.value.response.status_code == 401
    async with ada.socket(replica) as socket:
        await read(socket)
    # Who is refused is no fault of the server's.
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_silent_sockets_are_closed_within_five_seconds(replica: Replica, ada: User) -> None:
    started = time.monotonic()
    sockets = await asyncio.gather(*(bare(replica) for _ in range(50)))
    async with ada.socket(replica) as socket:
        assert (await read(socket, within_s=1))["type"] == "hello"
    codes = await asyncio.gather(*(closed_with(socket, 6) for socket in sockets))
    assert time.monotonic() - started < 5.5
    assert set(codes) == {CloseCode.SIGN_IN_TIMEOUT}


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1.evil.example", f"{ALLOWED_ORIGIN}.evil"],
)
async def test_foreign_pages_get_403(replica: Replica, ada: User, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await ada.socket(replica, origin=origin)
    assert refused.value.response.status_code == 403
    assert msgspec.json.decode(refused.value.response.body)["code"] == "origin_refused"


async def test_own_and_allowed_pages_may_connect(replica: Replica, ada: User) -> None:
    for origin in (f"http://127.0.0.1:{replica.port}", ALLOWED_ORIGIN):
        async with ada.socket(replica, origin=origin) as socket:
            assert (await read(socket))["type"] == "hello"


async def test_another_subprotocol_is_refused(replica: Replica, ada: User) -> None:
    address = f"ws://127.0.0.1:{replica.port}/api/v1/ws"
    with pytest.raises(InvalidStatus):
        await connect(address, subprotocols=[Subprotocol("other")], additional_headers=ada.headers)
    async with connect(address, additional_headers=ada.headers) as socket:
        assert socket.subprotocol is None


async def test_a_plain_request_is_told_what_this_is(replica: Replica) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{replica.port}/api/v1/ws")
    assert answer.status_code == 426
    assert answer.json()["code"] == "upgrade_required"


async def test_ping_is_answered_with_its_id(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "ping", "id": "p1"})
        assert await read(socket) == {"type": "pong", "id": "p1", "data": {}}


async def test_bad_frames_are_answered_and_the_connection_kept(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        for raw, field in (
            ("not json", None),
            ('{"type":"chat","id":"a","session_id":"1"}', "message"),
            ('{"type":"fly"}', "type"),
            (b"binary", None),
        ):
            await socket.send(raw)
            error = await read(socket)
            assert error["type"] == "error"
            assert error["data"]["code"] == "frame_invalid"
            assert error["data"].get("field") == field
        await send(socket, {"type": "ping"})
        assert (await read(socket))["type"] == "pong"


async def test_a_flood_of_bad_frames_ends_the_connection(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        for _ in range(200):
            await socket.send("nonsense")
        assert await closed_with(socket) == CloseCode.TOO_MANY_BAD_FRAMES


async def test_a_frame_over_the_limit_is_refused(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        await socket.send("x" * (1024 * 1024 + 1))
        assert await closed_with(socket) == 1009


async def test_text_that_is_not_utf8_is_refused(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        await socket.send(b"\xff\xfe", text=True)
        assert await closed_with(socket) == 1007


async def test_somebody_elses_session_is_not_found(
    replica: Replica, session: SessionRecord, new_user: Callable[..., Awaitable[User]]
) -> None:
    bob = await new_user("bob")
    async with bob.socket(replica) as socket:
        await read(socket)
        for frame in (
            {"type": "chat", "session_id": session.id, "message": "hi"},
            {"type": "cancel", "session_id": session.id},
            {"type": "resume", "session_id": session.id, "data": {"last_seq": 0}},
        ):
            await send(socket, frame)
            assert (await read(socket))["data"]["code"] == "session_not_found"
        await send(socket, {"type": "tool_approval", "approval_id": "1", "approved": True})
        assert (await read(socket))["data"]["code"] == "approval_not_found"


@pytest.mark.parametrize("flat", [True, False])
async def test_a_turn_from_message_to_done(
    replica: Replica, ada: User, session: SessionRecord, flat: bool
) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        chat: dict[str, Any] = {"type": "chat", "session_id": session.id, "id": "c1"}
        await send(socket, chat | ({"message": "hi"} if flat else {"data": {"message": "hi"}}))
        ack = await read(socket)
        assert (ack["type"], ack["id"], ack["data"]["of"]) == ("ack", "c1", "chat")
        message = await read(socket)
        assert (message["type"], message["seq"]) == ("message", 1)
        assert message["data"]["message_id"] == ack["data"]["message_id"]
        replica.say(session.id, "m", "Hel", 0)
        replica.say(session.id, "m", "lo", 3)
        completed = AssistantMessageCompleted(message_id="m", agent="ask", model="x", text="Hello")
        await replica.append(session.id, completed, DONE)
        frames = await read_until(socket, "done")
    assert [frame["type"] for frame in frames] == ["token", "token", "message", "done"]
    assert "".join(frame["data"]["text"] for frame in frames[:2]) == "Hello"
    assert [frame.get("seq") for frame in frames] == [None, None, 2, 3]


async def test_the_same_id_is_done_once_and_answered_alike(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    chat = {"type": "chat", "session_id": session.id, "id": "once", "message": "hi"}
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, chat)
        first = await read(socket)
        await read(socket)
        await send(socket, chat)
        assert await read(socket) == first
    # The client lost its connection, and asks again on a new one.
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, chat)
        assert await read(socket) == first
        assert (await read(socket))["seq"] == 1
    assert (await replica.sessions.get(ada.principal, session.id)).last_seq == 1


async def test_a_second_message_during_a_turn_is_a_conflict(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "chat", "session_id": session.id, "message": "one"})
        await read_until(socket, "message")
        await send(socket, {"type": "chat", "session_id": session.id, "message": "two"})
        assert (await read(socket))["data"]["code"] == "turn_in_progress"
        await send(socket, {"type": "cancel", "session_id": session.id, "id": "x"})
        ack = await read(socket)
        assert (ack["type"], ack["id"], ack["data"]["of"]) == ("ack", "x", "cancel")


async def test_an_approval_is_answered_once(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "chat", "session_id": session.id, "message": "write"})
        await read_until(socket, "message")
        approval_id = await replica.ask(session.id, ada)
        answer = {"type": "tool_approval", "id": "a", "approval_id": approval_id, "approved": True}
        await send(socket, answer)
        frames = await read_until(socket, "ack")
        assert frames[-1]["data"]["status"] == "approved"
        # What waits over all sessions is told beside it.
        of_the_session = [frame["type"] for frame in frames if frame["type"] != "approvals_waiting"]
        assert of_the_session == ["approval", "ack"]
        await send(socket, answer | {"id": "b"})
        assert (await read_until(socket, "error"))[-1]["data"]["code"] == "already_answered"


async def test_all_watchers_see_the_same_frames(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.socket(replica) as one, ada.socket(replica) as two:
        for socket in (one, two):
            await read(socket)
            await send(
                socket, {"type": "resume", "session_id": session.id, "data": {"last_seq": 0}}
            )
            await read_until(socket, "state")
        await send(one, {"type": "chat", "session_id": session.id, "message": "hi"})
        seen_by_one = [frame for frame in await read_until(one, "ack") if "seq" in frame]
        replica.say(session.id, "m", "Hello", 0)
        await replica.append(session.id, DONE)
        seen_by_one += await read_until(one, "done")
        assert await read_until(two, "done") == seen_by_one


async def test_resume_in_the_middle_of_a_message(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    turn = await replica.sessions.start_turn(ada.principal, session.id, "hi")
    assert turn.session_id == session.id
    replica.say(session.id, "m", "Hel", 0)
    replica.say(session.id, "m", "lo ", 3)
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "resume", "session_id": session.id, "data": {"last_seq": 0}})
        frames = await read_until(socket, "token")
        assert [frame["type"] for frame in frames] == ["ack", "recovered", "message", "token"]
        assert frames[1]["data"] == {"ok": True, "from_seq": 0, "last_seq": 1}
        assert (frames[3]["data"]["text"], frames[3]["data"]["offset"]) == ("Hello ", 0)
        replica.say(session.id, "m", "world", 6)
        assert (await read(socket))["data"]["offset"] == 6


@pytest.mark.parametrize(
    ("asked", "ok", "from_seq"),
    [
        ({"last_seq": 2, "epoch": 1}, True, 2),
        ({"last_seq": 2}, True, 2),
        ({"last_seq": 0, "epoch": 9}, True, 0),
        ({"last_seq": 2, "epoch": 9}, False, 0),
        ({"last_seq": 4, "epoch": 1}, False, 0),
    ],
)
async def test_resume_from_a_cursor(
    replica: Replica,
    ada: User,
    session: SessionRecord,
    asked: dict[str, int],
    ok: bool,
    from_seq: int,
) -> None:
    await replica.sessions.start_turn(ada.principal, session.id, "hi")
    completed = AssistantMessageCompleted(message_id="m", agent="ask", model="x", text="Hello")
    await replica.append(session.id, completed, DONE)
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "resume", "id": 1, "session_id": session.id, "data": asked})
        frames = await read_until(socket, "done")
    recovered = next(frame for frame in frames if frame["type"] == "recovered")
    assert recovered["data"] == {"ok": ok, "from_seq": from_seq, "last_seq": 3}
    assert (recovered["id"], recovered["epoch"]) == (1, 1)
    assert [f["seq"] for f in frames if "seq" in f] == list(range(from_seq + 1, 4))


async def test_losing_the_connection_does_not_cancel_the_turn(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "chat", "session_id": session.id, "message": "hi"})
        await read_until(socket, "message")
    assert (await replica.sessions.get(ada.principal, session.id)).active_turn_id is not None
    await replica.append(session.id, DONE)


async def test_a_signed_out_user_is_disconnected(replica: Replica, ada: User) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        await replica.auth.sign_out(ada.principal)
        assert await closed_with(socket) == CloseCode.SIGNED_OUT


async def test_the_connection_ends_with_its_token_unless_renewed(
    replica: Replica, ada: User
) -> None:
    async with ada.socket(replica) as socket:
        await read(socket)
        pair = await replica.auth.sign_in("ada", PASSWORD)
        await send(socket, {"type": "auth", "id": "r", "data": {"token": pair.access_token}})
        assert (await read(socket))["data"]["of"] == "auth"


async def test_another_users_token_does_not_take_over(
    replica: Replica, ada: User, new_user: Callable[..., Awaitable[User]]
) -> None:
    bob = await new_user("bob")
    async with ada.socket(replica) as socket:
        await read(socket)
        await send(socket, {"type": "auth", "data": {"token": bob.token}})
        assert (await read(socket))["data"]["code"] == "forbidden"
