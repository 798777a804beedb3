"""A plain HTTP client, and readers of the wire formats that share no code with the server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.model_server.process import ModelServer
from tests.model_server.script import Reply

USER = [{"role": "user", "content": "hello"}]


@dataclass
class Answer:
    """A response as it came in.

    `pieces` are what single reads returned, `broken` says that the body had no proper end.
    """

    status: int
    headers: Mapping[str, str]
    pieces: list[bytes] = field(default_factory=list)
    broken: bool = False

    @property
    def raw(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        """The body as one document."""
        return json.loads(self.raw)

    @property
    def lines(self) -> list[Any]:
        """The body as a document a line."""
        return [json.loads(line) for line in self.raw.decode().splitlines()]

    @property
    def events(self) -> list[tuple[str | None, str]]:
        """The body as server-sent events: name and data. Comments are dropped."""
        found = []
        for block in re.split(r"\r?\n\r?\n", self.raw.decode()):
            fields = [
                line.partition(":")[::2]
                for line in re.split(r"\r?\n", block)
                if line and line[0] != ":"
            ]
            if fields:
                named = {name: value.removeprefix(" ") for name, value in fields}
                found.append((named.get("event"), named["data"]))
        return found

    @property
    def openai_chunks(self) -> list[Any]:
        """The events of an OpenAI stream without the closing mark."""
        return [json.loads(data) for _, data in self.events if data != "[DONE]"]

    @property
    def openai_deltas(self) -> list[dict[str, Any]]:
        """What each chunk adds."""
        return [choice["delta"] for chunk in self.openai_chunks for choice in chunk["choices"]]

    @property
    def openai_text(self) -> str:
        """The text of an OpenAI stream."""
        return "".join(delta.get("content") or "" for delta in self.openai_deltas)

    @property
    def openai_calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each tool call of an OpenAI stream."""
        calls: dict[int, tuple[str, str]] = {}
        for delta in self.openai_deltas:
            for piece in delta.get("tool_calls", []):
                name, arguments = calls.get(piece["index"], ("", ""))
                function = piece["function"]
                calls[piece["index"]] = (
                    name + function.get("name", ""),
                    arguments + function["arguments"],
                )
        return [calls[index] for index in sorted(calls)]


@dataclass
class Asker:
    """Scripts replies and asks for them in each provider's way, all under one key."""

    server: ModelServer
    key: str

    async def script(self, *replies: Reply) -> None:
        """Scripts replies for this key."""
        await self.server.script(self.key, replies)

    async def openai(self, messages: Any = USER, *, stream: bool = True, **fields: Any) -> Answer:
        """Asks as OpenAI's clients do."""
        body = {"model": "gpt-test", "messages": messages, "stream": stream, **fields}
        return await self.post(
            "/v1/chat/completions", body, {"Authorization": f"Bearer {self.key}"}
        )

    async def anthropic(
        self, messages: Any = USER, *, stream: bool = True, **fields: Any
    ) -> Answer:
        """Asks as Anthropic's clients do."""
        body = {
            "model": "claude-test",
            "max_tokens": 64,
            "messages": messages,
            "stream": stream,
            **fields,
        }
        return await self.post(
            "/v1/messages", body, {"x-api-key": self.key, "anthropic-version": "2023-06-01"}
        )

    async def ollama(self, messages: Any = USER, **fields: Any) -> Answer:
        """Asks as Ollama's clients do."""
        return await self.post(
            "/api/chat", {"model": f"scripted-{self.key}", "messages": messages, **fields}, {}
        )

    async def post(self, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """Posts and reads to the end, or to where the connection breaks."""
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.server.url + path, data=json.dumps(body), headers=headers) as response,
        ):
            answer = Answer(response.status, response.headers)
            try:
                async for piece in response.content.iter_any():
                    answer.pieces.append(piece)
            except aiohttp.ClientPayloadError:
                answer.broken = True
            return answer

    async def get(self, path: str, headers: dict[str, str]) -> Answer:
        """Gets a document."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(self.server.url + path, headers=headers) as response,
        ):
            return Answer(response.status, response.headers, [await response.read()])
