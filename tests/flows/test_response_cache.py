"""Kept answers over two server processes and one Redis, and how a caller refuses them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from codelab.kit.secret_key import new_key
from tests.conftest import Stores
from tests.flows.harness import Client, CodeLab, of_type, signed_in, spoken
from tests.flows.installations import Installations
from tests.model_server import script
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply

INTERNAL_SECRET = new_key()
QUESTION = "What does the shop sell?"


@pytest.fixture
def stores(postgres_url: str, redis_url: str) -> Stores:
    """What the processes share."""
    return Stores("server", postgres_url, redis_url)


async def metric(client: Client, line: str) -> float:
    """Read one measurement."""
    async with client.http.get(f"{client.url}/metrics", headers=client.headers) as answer:
        found = [each for each in (await answer.text()).splitlines() if each.startswith(line)]
    return float(found[0].split()[-1])


async def serve_call(client: Client, **headers: str) -> str:
    """Ask as a service."""
    body = {"model": "scripted", "messages": [{"role": "user", "content": QUESTION}]}
    async with client.http.post(
        f"{client.url}/api/v1/llm/chat/completions",
        json=body,
        headers={"X-Internal-Secret": INTERNAL_SECRET, **headers},
    ) as answer:
        document: Any = await answer.json()
    return str(document["choices"][0]["message"]["content"])


async def test_a_question_asked_again_is_answered_from_the_cache_on_either_replica(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    model_server: ModelServer,
    model_key: str,
    installations: Installations,
) -> None:
    settings = {"CODELAB_RESPONSE_CACHE_S": "600", "CODELAB_INTERNAL_SECRET": INTERNAL_SECRET}
    await model_server.script(
        model_key,
        [
            Reply(text="It sells carts.", usage=script.Usage(12, 4)),
            Reply(text="For a service."),
            Reply(text="For a service, anew."),
        ],
    )
    servers = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        servers.append(CodeLab(folder, project, stores, models_yaml, settings))
    installations.furnish(servers[0])
    async with AsyncExitStack() as ending:
        for server in servers:
            ending.callback(server.stop)
        await asyncio.gather(*(server.start() for server in servers))
        first, second = [await ending.enter_async_context(signed_in(one)) for one in servers]

        answered = await first.turn(await first.new_session(agent="ask"), QUESTION)
        again = await second.turn(await second.new_session(agent="ask"), QUESTION)
        assert spoken(answered) == spoken(again) == "It sells carts."
        (used,) = of_type(again, "usage")
        assert (used["input_tokens"], used["output_tokens"]) == (12, 4)
        assert used["cost_usd"] == 0
        assert len(await model_server.requests(model_key)) == 1
        for client, outcome in ((first, "miss"), (second, "hit")):
            line = f'codelab_cache_model_answers_total{{outcome="{outcome}"}}'
            assert await metric(client, line) == 1

        # Services have answers of their own, and may say that a kept one will not do.
        assert await serve_call(first) == "For a service."
        assert await serve_call(second) == "For a service."
        renewed = await serve_call(second, **{"Cache-Control": "no-cache"})
        assert renewed == await serve_call(first) == "For a service, anew."
