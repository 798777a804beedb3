"""The npm package `aimock`: somebody else's reading of the providers' wires, over real HTTP."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.support import node

_STOP_S = 5.0
_LISTENS = "aimock server listening on "


class Aimock:
    """A running aimock, for `with`; tests share it, each under a model's name of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory()
        self.url = ""

    async def answer(self, model: str, response: dict[str, Any], **delivery: Any) -> None:
        """Set what requests for a model are answered with.

        Args:
            model: The name as it stands in the request.
            response: aimock's description of an answer or an error.
            delivery: How it is sent, in aimock's words.
        """
        fixture = {"match": {"model": model}, "response": response, **delivery}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}/__aimock/fixtures", json={"fixtures": [fixture]}) as answer,
        ):
            if answer.status != 200:
                raise RuntimeError(f"aimock refused: {await answer.text()}")

    async def requests(self, model: str) -> list[dict[str, Any]]:
        """The bodies of the requests that a model has had, oldest first."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.url}/__aimock/journal") as answer,
        ):
            bodies = [entry["body"] or {} for entry in await answer.json()]
            return [body for body in bodies if model in str(body.get("model"))]

    def __enter__(self) -> Self:
        config = Path(self._folder.name) / "aimock.json"
        config.write_text('{"llm": {}}', "utf-8")
        cli = node.script("@copilotkit/aimock", "dist", "aimock-cli.js")
        command = ["node", str(cli), "--config", str(config), "--port", "0", "--host", "127.0.0.1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self._process.stdout or ():
            if line.startswith(_LISTENS):
                self.url = line.removeprefix(_LISTENS).strip()
                return self
        self._stop()
        raise RuntimeError("aimock did not start; its error output says why")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        self._folder.cleanup()
