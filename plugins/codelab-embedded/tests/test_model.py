"""The real model behind its real server: nothing here is scripted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from codelab_embedded.client import EmbeddedModel
from codelab_embedded.errors import AnswerBroken, ContextTooLong, KeyRefused
from codelab_embedded.local_server import Address, LocalServer
from codelab_embedded.wire import NOTE, Chunk, write_request
from processes import eventually, is_idle, lives

from codelab.sdk import Delta, ModelRequest, ToolSpec
from codelab.sdk.messages import UserMessage

TOOL = ToolSpec(name="read_file", description="Read.", parameters={"type": "object"})


def asking(text: str = "What is the capital of France?", **fields: object) -> ModelRequest:
    made = ModelRequest(model="trial", messages=(UserMessage(text=text),), temperature=0.0)
    return msgspec.structs.replace(made, **fields)


class Heard:
    """What came, and an end to the waiting for the third piece."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.third = asyncio.Event()

    def __call__(self, delta: Delta) -> None:
        if delta.text:
            self.pieces.append(delta.text)
        if len(self.pieces) >= 3:
            self.third.set()


async def test_it_answers_in_pieces_and_counts_what_its_server_counts(
    server: LocalServer, model: EmbeddedModel
) -> None:
    heard = Heard()
    answer = await model.stream(asking(), heard)
    assert "Paris" in answer.text
    assert "".join(heard.pieces) == answer.text
    assert len(heard.pieces) > 2
    assert (answer.model, answer.finish_reason) == ("trial", "stop")
    async with server.lent() as address, httpx.AsyncClient(trust_env=False) as http:
        raw = await http.post(
            f"{address.url}/v1/chat/completions",
            content=write_request(asking()),
            headers={"Authorization": f"Bearer {address.api_key}"},
        )
    events = [line.removeprefix("data: ") for line in raw.text.splitlines() if line]
    report = msgspec.json.decode(events[-2], type=Chunk).usage
    assert report is not None
    assert answer.usage.input_tokens == report.prompt_tokens > 5
    assert answer.usage.output_tokens == report.completion_tokens
    assert answer.usage.cost_usd == 0


async def test_it_says_that_it_used_no_tools_and_stops_where_it_is_told(
    model: EmbeddedModel,
) -> None:
    heard = Heard()
    answer = await model.stream(asking(tools=(TOOL,), max_output_tokens=3), heard)
    assert answer.text.endswith(NOTE)
    assert heard.pieces[-1] == NOTE
    assert answer.finish_reason == "length"
    assert answer.usage.output_tokens == 3
    assert answer.tool_calls == ()


async def test_a_cancelled_answer_takes_no_more_cpu(
    server: LocalServer, model: EmbeddedModel
) -> None:
    heard = Heard()
    call = asyncio.create_task(model.stream(asking("Tell me a long story about a sea."), heard))
    await heard.third.wait()
    call.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - started < 1
    pid = server.pid
    assert pid is not None
    async with asyncio.timeout(10):
        while not await is_idle(pid):
            pass
    assert lives(pid)
    assert (await model.stream(asking(max_output_tokens=2), heard)).text
    assert server.pid == pid


async def test_a_call_can_be_given_up_while_the_server_starts(
    server: LocalServer, model: EmbeddedModel
) -> None:
    given_up, patient = (
        asyncio.create_task(model.stream(asking(max_output_tokens=2), Heard())) for _ in range(2)
    )
    await asyncio.sleep(0.1)
    assert server.pid is None, "it does not run yet, and nobody was held up"
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert not patient.done()
    assert (await patient).text


async def test_a_start_that_is_no_longer_wanted_leaves_no_process(server: LocalServer) -> None:
    async def need() -> None:
        async with server.lent():
            pass

    starting = asyncio.create_task(need())
    await asyncio.sleep(0.1)
    await server.close()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_wrong_key_is_refused(server: LocalServer) -> None:
    @asynccontextmanager
    async def with_wrong_key() -> AsyncIterator[Address]:
        async with server.lent() as address:
            yield Address(address.url, "wrong")

    with pytest.raises(KeyRefused) as refused:
        await EmbeddedModel(with_wrong_key).stream(asking(), Heard())
    async with server.lent() as address:
        assert address.api_key not in str(refused.value)
        assert address.url.startswith("http://127.0.0.1:")


async def test_a_conversation_beyond_its_window_is_refused_as_such(model: EmbeddedModel) -> None:
    with pytest.raises(ContextTooLong, match="takes 8192"):
        await model.stream(asking("word " * 9000), Heard())
    assert (await model.stream(asking(max_output_tokens=2), Heard())).text


async def test_a_killed_server_breaks_the_answer_off_and_is_started_again(
    server: LocalServer, model: EmbeddedModel
) -> None:
    heard = Heard()
    call = asyncio.create_task(model.stream(asking("Tell me a long story."), heard))
    await heard.third.wait()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(AnswerBroken):
        await call
    await eventually(lambda: server.pid is None)
    assert (await model.stream(asking(max_output_tokens=2), heard)).text
    assert server.pid not in (None, pid)


async def test_without_callers_it_ends_by_itself_and_comes_back(server: LocalServer) -> None:
    idle = LocalServer(idle_s=0.3)
    async with idle.lent():
        pid = idle.pid
        await asyncio.sleep(0.5)
        async with idle.lent():
            assert idle.pid == pid is not None
        await asyncio.sleep(0.5)
        assert idle.pid == pid, "somebody still needs it"
    await eventually(lambda: idle.pid is None and not lives(pid or 0))
    async with idle.lent():
        assert idle.pid != pid
    await idle.close()
    assert idle.pid is None


async def test_it_does_not_outlive_a_killed_parent(server: LocalServer) -> None:
    orphan = Path(__file__).with_name("orphan.py")
    parent = await asyncio.create_subprocess_exec(
        sys.executable, orphan, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    await parent.wait()
    await eventually(lambda: not lives(pid))


async def test_nothing_of_the_parents_secrets_reaches_it(server: LocalServer) -> None:
    async with server.lent() as address:
        process = Path(f"/proc/{server.pid}")
        seen = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    assert address.api_key.encode() not in seen
    assert b"HOME=" not in seen
