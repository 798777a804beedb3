"""The model server as tests hold it: a process of its own, scripted over its control endpoints."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
import msgspec

from tests.model_server.script import Reply, SeenRequest

_ROOT = Path(__file__).parents[2]
_STOP_TIMEOUT_S = 5.0


class ModelServer:
    """A running model server, for `with` or `async with`.

    It belongs to no event loop, so one server can be shared by tests that each have their own. It
    ends with the process that started it, even if that is killed.

    Args:
        tls: A folder with fullchain.pem and privkey.pem; without one it speaks plain HTTP.
    """

    def __init__(self, tls: Path | None = None) -> None:
        self._tls = tls
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @property
    def openai_url(self) -> str:
        """What OpenAI's clients take as their base URL; Anthropic's and Ollama's take `url`."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """The running process."""
        if self._process is None:
            raise RuntimeError("the model server does not run")
        return self._process.pid

    def start(self) -> None:
        """Starts the process and waits until it listens."""
        command = [
            sys.executable,
            "-m",
            "tests.model_server",
            "--port",
            "0",
            "--until-stdin-closes",
            *(("--tls", str(self._tls)) if self._tls else ()),
        ]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError("the model server did not start; its error output says why")
        self.url = line.removeprefix("listening on ").strip()

    def stop(self) -> None:
        """Ends the process; stopping twice does no harm."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()

    async def script(self, key: str, replies: Sequence[Reply]) -> None:
        """Sets what the key's requests are answered with, in place of what is left from before."""
        await self._control(
            "PUT", f"scripts/{quote(key, safe='')}", msgspec.json.encode(list(replies))
        )

    async def requests(self, key: str, *, when_idle: bool = False) -> list[SeenRequest]:
        """Every request the key has made so far, oldest first.

        With `when_idle` this waits until each is over: answered, cut, or left by its client.
        """
        query = "?when=idle" if when_idle else ""
        answer = await self._control("GET", f"requests/{quote(key, safe='')}{query}")
        return msgspec.json.decode(answer, type=list[SeenRequest])

    async def _control(self, method: str, path: str, body: bytes | None = None) -> bytes:
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, f"{self.url}/control/{path}", data=body) as response,
        ):
            answer = await response.read()
            if response.status != 200:
                raise RuntimeError(f"the model server refused: {answer.decode()}")
            return answer

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)
