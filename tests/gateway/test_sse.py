"""A turn over plain HTTP: the same frames as on the WebSocket, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec

from codelab.gateway.encoding import Item
from codelab.gateway.sse import EventQueue
from codelab.sdk.model import Usage
from codelab.sessions.api import SessionRecord
from codelab.sessions.events import AssistantMessageCompleted, TurnEnded
from tests.gateway.rig import Frame, Replica, User

DONE = TurnEnded(message_id="m", stop_reason="end", duration_ms=1, usage=Usage())


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str | None, str, Frame]]:
    number: str | None = None
    kind = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        match name:
            case "id":
                number = value
            case "event":
                kind = value
            case "data":
                yield number, kind, msgspec.json.decode(value)
                number = None


async def test_a_turn_is_streamed_until_done(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    body = {"session_id": session.id, "message": "hi"}
    async with (
        ada.http(replica) as http,
        http.stream("POST", "/api/v1/agent/chat", json=body) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = []
        async for number, kind, frame in events(answer):
            seen.append((number, kind))
            assert frame["type"] == kind
            assert str(frame.get("seq")) == str(number)
            if kind == "message" and frame["data"]["role"] == "user":
                replica.say(session.id, "m", "Hello", 0)
                await replica.append(
                    session.id,
                    AssistantMessageCompleted(message_id="m", agent="ask", model="x", text="Hello"),
                    DONE,
                )
    assert seen == [("1", "message"), (None, "token"), ("2", "message"), ("3", "done")]


async def test_the_same_mark_reads_the_same_turn_again(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    body = {"session_id": session.id, "message": "hi", "id": "once"}
    await replica.sessions.start_turn(ada.principal, session.id, "hi", request_id="once")
    await replica.append(session.id, DONE)
    async with ada.http(replica) as http:
        answer = await http.post("/api/v1/agent/chat", json=body)
    assert [line for line in answer.text.splitlines() if line.startswith("id:")] == [
        "id: 1",
        "id: 2",
    ]


async def test_leaving_does_not_cancel_the_turn(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    body = {"session_id": session.id, "message": "hi"}
    async with (
        ada.http(replica) as http,
        http.stream("POST", "/api/v1/agent/chat", json=body) as answer,
    ):
        async for _ in events(answer):
            break
    record = await replica.sessions.get(ada.principal, session.id)
    assert record.active_turn_id is not None
    await replica.append(session.id, DONE)
    assert (await replica.sessions.get(ada.principal, session.id)).active_turn_id is not None


async def test_what_cannot_start_is_a_problem_and_no_stream(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    async with ada.http(replica) as http:
        for body, status, code in (
            ({"session_id": session.id, "message": ""}, 422, "invalid_input"),
            ({"session_id": session.id, "message": "x", "agnet": "y"}, 422, "invalid_input"),
            ({"session_id": session.id, "message": "x" * 200_001}, 422, "invalid_input"),
            ({"session_id": "0" * 32, "message": "x"}, 404, "session_not_found"),
        ):
            answer = await http.post("/api/v1/agent/chat", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        http.headers.clear()
        answer = await http.post("/api/v1/agent/chat", json={})
        assert answer.status_code == 401


async def test_a_stopping_server_ends_the_answer_with_a_retryable_error(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    body = {"session_id": session.id, "message": "hi"}
    seen = []
    async with (
        asyncio.timeout(5),
        ada.http(replica) as http,
        http.stream("POST", "/api/v1/agent/chat", json=body) as answer,
    ):
        async for _, kind, frame in events(answer):
            seen.append((kind, frame["data"].get("retryable")))
            if kind == "message":
                await replica.presence.dismiss()
        again = await http.post("/api/v1/agent/chat", json=body | {"id": "x", "message": "y"})
    assert seen == [("message", None), ("error", True)]
    # The turn goes on all the same.
    assert again.json()["code"] == "turn_in_progress"


async def test_an_answer_ends_with_the_right_to_it(
    replica: Replica, ada: User, session: SessionRecord
) -> None:
    body = {"session_id": session.id, "message": "hi"}
    seen = []
    async with (
        asyncio.timeout(5),
        ada.http(replica) as http,
        http.stream("POST", "/api/v1/agent/chat", json=body) as answer,
    ):
        async for _, kind, frame in events(answer):
            seen.append((kind, frame["data"].get("code"), frame["data"].get("retryable")))
            if kind == "message":
                await replica.auth.disable(ada.principal.user_id)
    assert seen == [("message", None, None), ("error", "unauthenticated", False)]


async def test_a_slow_client_is_ended_and_never_grows() -> None:
    queue = EventQueue(max_characters=1000)
    ends: list[bool] = []
    queue.on_end = lambda: ends.append(True)
    for _ in range(1000):
        queue.deliver(Item("token", "x" * 50))
    text = await asyncio.wait_for(queue.take(), 10)
    assert text is not None
    assert len(text) < 1500
    assert text.count("event: error") == 1
    assert '"retryable":true' in text.split("event: error")[1]
    assert await queue.take() is None
    assert ends
