"""The model layer as the tests hold it: built from a models file, pointed at the model server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from codelab.kit.ratelimit import RateLimiter
from codelab.llm.api import AddedModels, Attribution, LlmSettings, Models, ResponseCache
from codelab.llm.events import ModelCalled
from codelab.llm.fallback import RetryPolicy
from codelab.sdk.messages import Message, SystemMessage, UserMessage
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelProvider,
    ModelRequest,
    ToolSpec,
)
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, SeenRequest

QUICK = RetryPolicy(retries=1, first_pause_s=0.01, longest_pause_s=0.5)
READ_FILE = ToolSpec(
    name="read_file",
    description="Read a file.",
    parameters={
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
)
ASK: tuple[Message, ...] = (SystemMessage(text="You help."), UserMessage(text="Hello?"))


class Heard:
    """What a call handed on while it ran."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []
        self.started = asyncio.Event()

    def __call__(self, delta: Delta) -> None:
        self.deltas.append(delta)
        self.started.set()

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        return "".join(delta.reasoning for delta in self.deltas)


class Layer:
    """Makes model layers and scripts what the models say."""

    def __init__(self, server: ModelServer, key: str, folder: Path, db: Database, bus: Bus) -> None:
        self.server = server
        self.key = key
        self.db = db
        self.bus = bus
        self.calls: list[ModelCalled] = []
        self._folder = folder
        self._made: list[Models] = []
        bus.subscribe(ModelCalled, self.calls.append)

    def entry(self, wire: str, name: str | None = None, key: str | None = None) -> dict[str, Any]:
        """An entry of the models file for one of the server's wires."""
        key = key or self.key
        params = {
            "openai": {"model": "openai/gpt-scripted", "api_base": self.server.openai_url},
            "anthropic": {"model": "anthropic/claude-sonnet-4-6", "api_base": self.server.url},
            "ollama": {"model": f"ollama_chat/scripted-{key}", "api_base": self.server.url},
        }[wire]
        if wire != "ollama":
            params["api_key"] = key
        return {"model_name": name or wire, "litellm_params": params}

    def build(
        self,
        *entries: Mapping[str, Any],
        ours: Mapping[str, Any] | None = None,
        providers: Sequence[ModelProvider] = (),
        environ: Mapping[str, str] | None = None,
        response_cache: ResponseCache | None = None,
        added: AddedModels | None = None,
        **settings: Any,
    ) -> Models:
        """A model layer with these entries; without any, one that looks at the environment."""
        path = self._folder / f"models-{uuid.uuid4().hex}.yaml"
        path.write_text(yaml.safe_dump({"model_list": list(entries), "codelab": dict(ours or {})}))
        chosen = {"retry": QUICK, "models_file": path if entries else None, **settings}
        models = Models(
            LlmSettings(**chosen),
            self.db,
            self.bus,
            RateLimiter(),
            providers,
            response_cache,
            added,
            environ=environ or {},
        )
        self._made.append(models)
        return models

    async def script(self, *replies: Reply, key: str | None = None) -> None:
        """Set what the key's requests are answered with."""
        await self.server.script(key or self.key, replies)

    async def seen(self, key: str | None = None) -> list[SeenRequest]:
        """The requests that the server has received."""
        return await self.server.requests(key or self.key)

    async def was_asked(self) -> bool:
        """Whether a request has come."""
        return len(await self.seen()) > 0

    async def was_cut(self) -> bool:
        """Whether the client has left the first request in the middle."""
        return (await self.seen())[0].cut_by_client

    async def close(self) -> None:
        """Close every layer that was made."""
        for models in self._made:
            await models.close()


async def eventually(holds: Callable[[], Awaitable[bool]], *, within_s: float = 10.0) -> None:
    """Wait until something holds."""
    pause_s = 0.02
    for _ in range(round(within_s / pause_s)):
        if await holds():
            return
        await asyncio.sleep(pause_s)
    raise AssertionError("it never came to hold")


def request(model: str, **fields: Any) -> ModelRequest:
    """A short request."""
    return msgspec.structs.replace(ModelRequest(model=model, messages=ASK), **fields)


async def ask(
    models: Models,
    model: str,
    heard: Heard | None = None,
    *,
    user_id: str = "",
    fresh: bool = False,
    **fields: Any,
) -> Completion:
    """Run a request."""
    attribution = Attribution(user_id=user_id, session_id="s" * 32, turn_id="t" * 32, agent="ask")
    return await models.stream(
        request(model, **fields), heard or Heard(), attribution=attribution, fresh=fresh
    )
