"""The server as a process."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.model_server.process import ModelServer
from tests.model_server.script import Reply
from tests.model_server_tests.reading import USER

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.model_server"]


async def test_it_says_where_it_listens_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--port", "0", cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    words = (await process.stdout.readline()).decode().split()
    assert words[:2] == ["listening", "on"]
    async with aiohttp.ClientSession() as http, http.get(f"{words[2]}/api/tags") as response:
        assert await response.json() == {"models": []}
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0


def test_it_ends_with_whoever_started_it() -> None:
    command = [*COMMAND, "--until-stdin-closes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on")
        process.stdin.close()
        assert process.wait(5) == 0


async def test_it_stops_at_once_though_a_stream_hangs() -> None:
    async with ModelServer() as server:
        await server.script("key", [Reply(text="x", stall_after=1)])
        body = {"model": "m", "messages": USER, "stream": True}
        async with (
            asyncio.timeout(4),
            aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as http,
            http.post(f"{server.openai_url}/chat/completions", json=body) as response,
        ):
            await response.content.readline()
            await asyncio.to_thread(server.stop)
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


def test_nothing_of_the_product_is_imported() -> None:
    code = (
        "import sys, tests.model_server.app as a; print([m for m in sys.modules if 'codelab' in m])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
