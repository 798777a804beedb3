"""A model's bad hour: each ends in a finished turn or in one clear sentence, with nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection

from tests.conftest import Stores
from tests.flows.harness import (
    Client,
    CodeLab,
    Frame,
    collect,
    items,
    of_type,
    send,
)
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall

CUT = Reply(text="This is only a part", cut_after=3)
STALL = Reply(text="This is only a part", stall_after=3, ping_s=0.2)
NAMES = ("first", "second", "lone")


class Script:
    """Scripts the three models: `first`, which `second` follows, and `lone`."""

    def __init__(self, server: ModelServer, key: str) -> None:
        self._server = server
        self._key = key

    def key(self, name: str) -> str:
        """The key of a model."""
        return f"{self._key}-{name}"

    async def __call__(self, name: str, *replies: Reply) -> None:
        """Set what a model answers."""
        await self._server.script(self.key(name), replies)

    async def asked(self, name: str) -> int:
        """How often a model was asked."""
        return len(await self._server.requests(self.key(name)))


@pytest.fixture
async def script(model_server: ModelServer, model_key: str) -> Script:
    """The scripts of this test's models."""
    made = Script(model_server, model_key)
    for name in NAMES:
        await made(name)
    return made


@pytest.fixture
def models_yaml(model_server: ModelServer, script: Script) -> str:
    """A chain of two models, and one that has none."""
    entries = "".join(
        f"  - model_name: {name}\n"
        "    litellm_params:\n"
        "      model: openai/scripted\n"
        f"      api_base: {model_server.openai_url}\n"
        f"      api_key: {script.key(name)}\n"
        for name in NAMES
    )
    return f"model_list:\n{entries}codelab:\n  fallbacks: {{first: [second]}}\n"


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
) -> AsyncIterator[CodeLab]:
    """A server that is impatient with silent models."""
    limits = {"CODELAB_FIRST_TOKEN_TIMEOUT_S": "1", "CODELAB_TOKEN_TIMEOUT_S": "1"}
    server = CodeLab(tmp_path, project, stores, models_yaml, limits)
    installations.furnish(server)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


async def check_record(client: Client, session_id: str, frames: list[Frame]) -> None:
    """What is stored is what the client saw, in the same order, without a gap."""
    durable = [frame for frame in frames if frame.get("seq")]
    assert [frame["seq"] for frame in durable] == list(range(1, len(durable) + 1))
    stored = await client.call("GET", f"sessions/{session_id}/events?after=0")
    assert stored["events"] == durable
    history = items(await client.call("GET", f"sessions/{session_id}/history"))
    told = [data for data in of_type(frames, "message") if data["role"] == "assistant"]
    kept = [item for item in history if item["role"] == "assistant"]
    for name in ("message_id", "text", "model", "finish_reason", "tried"):
        # A history leaves out what is empty.
        assert [one.get(name) or "" for one in kept] == [one.get(name) or "" for one in told]


def answers(frames: list[Frame]) -> list[dict[str, Any]]:
    """The assistant's messages."""
    return [data for data in of_type(frames, "message") if data["role"] == "assistant"]


@pytest.mark.parametrize(
    ("trouble", "why"), [(CUT, "broke off"), (STALL, "in the middle")], ids=["dies", "stalls"]
)
async def test_a_model_that_fails_in_its_answer_is_followed_by_the_next(
    client: Client, script: Script, trouble: Reply, why: str
) -> None:
    await script("first", trouble, trouble)
    await script("second", Reply(text="A whole answer."))
    session_id = await client.new_session(model="first")
    frames = await client.turn(session_id, "What is this?")
    told = answers(frames)
    assert [one["finish_reason"] for one in told] == ["interrupted", "interrupted", "stop"]
    assert [one["model"] for one in told] == ["first", "first", "second"]
    assert told[0]["text"] and told[0]["text"] in "This is only a part"
    restarted = of_type(frames, "restarted")
    assert [one["message_id"] for one in restarted] == [one["message_id"] for one in told[:2]]
    assert [one["model"] for one in restarted] == ["first", "second"]
    assert all(why in one["reason"] for one in restarted)
    assert told[2]["text"] == "A whole answer."
    assert told[2]["tried"] == ["first: model_resting"]
    done = frames[-1]["data"]
    assert (done["stop_reason"], done["message_id"]) == ("end", told[2]["message_id"])
    assert not of_type(frames, "error")
    await check_record(client, session_id, frames)


async def test_a_model_that_always_breaks_off_ends_in_one_sentence(
    client: Client, script: Script
) -> None:
    await script("lone", CUT, CUT, CUT)
    session_id = await client.new_session(model="lone")
    frames = await client.turn(session_id, "What is this?")
    (error,) = of_type(frames, "error")
    assert error["code"] == "model_answers_unusable"
    assert error["message"].startswith("The answer of lone broke off before its end.")
    assert [one["finish_reason"] for one in answers(frames)] == ["interrupted"] * 3
    await check_record(client, session_id, frames)
    await script("lone", Reply(text="It works again."))
    again = await client.turn(session_id, "And now?")
    assert answers(again)[-1]["text"] == "It works again."


async def test_models_that_do_not_begin_leave_nobody_without_a_word(
    client: Client, script: Script
) -> None:
    await script("first", Reply(text="Late.", delay_s=20))
    await script("second", Reply(text="Late.", stall_after=0, ping_s=0.2))
    session_id = await client.new_session(model="first")
    frames = await client.turn(session_id, "What is this?")
    (waiting,) = of_type(frames, "waiting_for_model")
    assert (waiting["model"], "until" in waiting) == ("second", False)
    assert "first did not start to answer within 1 s" in waiting["reason"]
    (error,) = of_type(frames, "error")
    assert error["code"] == "no_model_available"
    assert "first did not start" in error["message"] and "second did not" in error["message"]
    await check_record(client, session_id, frames)


async def test_a_silent_fallback_is_recorded(client: Client, script: Script) -> None:
    await script("first", Reply(status=401))
    await script("second", Reply(text="From the second."), Reply(text="Again."))
    session_id = await client.new_session(model="first")
    frames = await client.turn(session_id, "What is this?")
    (told,) = answers(frames)
    assert (told["model"], told["tried"]) == ("second", ["first: model_auth_failed"])
    assert not of_type(frames, "waiting_for_model")
    await check_record(client, session_id, frames)
    # It rests: the next turn does not ask it at all.
    offered = await client.call("GET", "models")
    (resting,) = offered["resting"]
    assert (resting["name"], resting["code"]) == ("first", "model_auth_failed")
    await client.turn(session_id, "And now?")
    assert await script.asked("first") == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("lasts_s", [4, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.parametrize("says_when", [True, False])
async def test_a_limit_ends_in_a_finished_turn(
    client: Client, codelab: CodeLab, script: Script, lasts_s: float, says_when: bool
) -> None:
    wait = {"Retry-After": "3"} if says_when else {}
    await script("lone", Reply(status=429, headers=wait, repeat=True))
    session_id = await client.new_session(model="lone")
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="What is this?")
        frames = await until_waiting(socket)
        waiting = frames[-1]["data"]
        assert (waiting["model"], "until" in waiting) == ("lone", True)
        assert "takes no more requests for now" in waiting["reason"]
        (resting,) = (await client.call("GET", "models"))["resting"]
        assert resting["name"] == "lone"
        assert await gauge(client, "lone") > 0
        await asyncio.sleep(lasts_s)
        await script("lone", Reply(text="Here you are."))
        frames += await collect(socket, session_id)
    (told,) = answers(frames)
    assert (told["text"], told["tried"]) == ("Here you are.", ["lone: model_rate_limited"])
    assert frames[-1]["data"]["stop_reason"] == "end"
    assert await gauge(client, "lone") == 0
    await check_record(client, session_id, frames)


async def test_cancelling_ends_the_wait_at_once(client: Client, script: Script) -> None:
    await script("lone", Reply(status=429, headers={"Retry-After": "60"}, repeat=True))
    session_id = await client.new_session(model="lone")
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="What is this?")
        frames = await until_waiting(socket)
        await send(socket, "cancel", session_id)
        async with asyncio.timeout(5):
            frames += await collect(socket, session_id)
    assert frames[-1]["data"]["stop_reason"] == "cancelled"
    await check_record(client, session_id, frames)


BROKEN = {
    "cut short": ToolCall("read_file", '{"path": "README'),
    "wrong type": ToolCall("read_file", {"path": 7}),
    "a list": ToolCall("read_file", '["README.md"]'),
    "JSON in JSON": ToolCall("read_file", '"{\\"path\\": \\"README.md\\"}"'),
    "missing field": ToolCall("read_file", {}),
    "unknown tool": ToolCall("read_the_file", {"path": "README.md"}),
}


async def test_broken_arguments_are_mended_or_end_in_one_sentence(
    client: Client, script: Script
) -> None:
    whole = Reply(tool_calls=[ToolCall("read_file", {"path": "README.md"})])
    for kind, call in BROKEN.items():
        broken = Reply(tool_calls=[call])
        await script("lone", broken, broken, whole, Reply(text="A shop."), *[broken] * 3)
        session_id = await client.new_session(model="lone")
        frames = await client.turn(session_id, "What is this?")
        results = of_type(frames, "tool_result")
        assert [one["ok"] for one in results] == [False, False, True], kind
        assert answers(frames)[-1]["text"] == "A shop."
        await check_record(client, session_id, frames)
        again = await client.turn(session_id, "And now?")
        (error,) = of_type(again, "error")
        assert error["code"] == "model_broken_tool_calls", kind
        assert [one["ok"] for one in of_type(again, "tool_result")] == [False] * 3


async def test_a_call_that_was_cut_off_by_the_length_does_not_run(
    client: Client, project: Path, script: Script
) -> None:
    # What is left of it looks whole, and nobody would have been asked to look.
    look = ToolCall("read_file", {"path": "README.md"})
    await script("lone", Reply(tool_calls=[look], finish_reason="length"), Reply(text="So be it."))
    session_id = await client.new_session(model="lone")
    frames = await client.turn(session_id, "What is this?")
    (result,) = of_type(frames, "tool_result")
    assert not result["ok"]
    assert "cut off" in result["output"]
    assert answers(frames)[-1]["text"] == "So be it."
    await check_record(client, session_id, frames)


async def test_an_empty_answer_is_asked_for_again(client: Client, script: Script) -> None:
    await script("lone", Reply(text=""), Reply(text="Here."))
    session_id = await client.new_session(model="lone")
    frames = await client.turn(session_id, "What is this?")
    assert [one["reason"] for one in of_type(frames, "restarted")] == ["lone gave an empty answer."]
    assert [one["text"] for one in answers(frames)] == ["Here."]
    assert len(of_type(frames, "usage")) == 2
    await check_record(client, session_id, frames)


async def test_a_server_killed_after_a_restart_goes_on(
    client: Client, codelab: CodeLab, script: Script
) -> None:
    await script("lone", CUT, Reply(text="Too late.", delay_s=0.9, token_delay_s=0.9))
    session_id = await client.new_session(model="lone")
    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="What is this?")
        async for text in socket:
            if msgspec.json.decode(text)["type"] == "restarted":
                break
    assert codelab.process
    codelab.process.kill()
    codelab.process.wait(10)
    await script("lone", Reply(text="A whole answer."))
    await codelab.start()
    async with client.socket() as socket:
        await send(socket, "resume", session_id, last_seq=0, epoch=1)
        frames = await collect(socket, session_id)
    assert [one["finish_reason"] for one in answers(frames)] == ["interrupted", "stop"]
    assert answers(frames)[-1]["text"] == "A whole answer."
    await check_record(client, session_id, frames)


async def until_waiting(socket: ClientConnection) -> list[Frame]:
    """Read frames up to the one that says that a model is waited for."""
    frames: list[Frame] = []
    async with asyncio.timeout(20):
        async for text in socket:
            frames.append(msgspec.json.decode(text))
            if frames[-1]["type"] == "waiting_for_model":
                return frames
    raise AssertionError("the connection ended")


async def gauge(client: Client, name: str) -> float:
    """Read how long a model still rests, as Prometheus does."""
    async with client.http.get(f"{client.url}/metrics", headers=client.headers) as response:
        lines = (await response.text()).splitlines()
    start = f'codelab_model_rest_seconds{{model="{name}"}} '
    (value,) = [line.removeprefix(start) for line in lines if line.startswith(start)]
    return float(value)
