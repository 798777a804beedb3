"""Limits per user and hour, counted together by two server processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from codelab.kit.secret_key import new_key
from tests.conftest import Stores
from tests.flows.harness import (
    PASSWORD,
    Client,
    CodeLab,
    Frame,
    approve,
    of_type,
    signed_in,
    spoken,
)
from tests.flows.installations import Installations
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall

INTERNAL_SECRET = new_key()


@pytest.fixture
def stores(postgres_url: str, redis_url: str) -> Stores:
    """What the processes share."""
    return Stores("server", postgres_url, redis_url)


class Pair:
    """Two processes of one installation, with its user signed in at each."""

    def __init__(
        self,
        folder: Path,
        project: Path,
        stores: Stores,
        models: str,
        installations: Installations,
    ) -> None:
        self._folder = folder
        self._project = project
        self._stores = stores
        self._models = models
        self._installations = installations

    @asynccontextmanager
    async def running(self, **settings: str) -> AsyncIterator[tuple[Client, Client]]:
        """Run both with the same settings."""
        servers = [self._server(name, settings) for name in ("one", "two")]
        self._installations.furnish(servers[0])
        async with AsyncExitStack() as ending:
            for server in servers:
                ending.callback(server.stop)
            await asyncio.gather(*(server.start() for server in servers))
            first, second = [await ending.enter_async_context(signed_in(one)) for one in servers]
            yield first, second

    def _server(self, name: str, settings: dict[str, str]) -> CodeLab:
        folder = self._folder / name
        folder.mkdir()
        return CodeLab(folder, self._project, self._stores, self._models, settings)


@pytest.fixture
def pair(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
) -> Pair:
    return Pair(tmp_path, project, stores, models_yaml, installations)


async def refused(client: Client, path: str) -> Frame:
    """Make a call that a limit refuses, and return the problem."""
    url = f"{client.server.url}/api/v1/{path}"
    async with client.http.get(url, headers=client.headers) as response:
        assert response.status == 429, await response.text()
        assert 1 <= int(response.headers["Retry-After"]) <= 3600
        assert response.content_type == "application/problem+json"
        problem: Frame = await response.json(content_type=None)
    return problem


async def test_file_operations_are_counted_together(
    pair: Pair, model_server: ModelServer, model_key: str
) -> None:
    read = ToolCall("read_file", {"path": "README.md"})
    await model_server.script(model_key, [Reply(tool_calls=[read]), Reply(text="Later then.")])
    async with pair.running(CODELAB_FILE_OPERATIONS_PER_HOUR="3") as (first, second):
        (workspace,) = await first.call("GET", "workspaces")
        tree = f"workspaces/{workspace['id']}/tree"
        for client in (first, second, first):
            await client.call("GET", tree)

        for client in (first, second):
            problem = await refused(client, tree)
            assert problem["code"] == "rate_limited"
            assert "3" in problem["detail"]

        # An agent's tools use up the same hour: the call fails, and the model is told.
        frames = await second.turn(await second.new_session(), "What is this?")
        (result,) = of_type(frames, "tool_result")
        assert not result["ok"]
        assert "limit of 3 for file operations" in result["output"]
        assert spoken(frames) == "Later then."

        bob = {"username": "bob", "password": PASSWORD}
        await first.call("POST", "admin/users", bob)
        tokens = await second.call("POST", "auth/login", bob)
        other = Client(second.server, second.http, tokens["access_token"])
        await other.call("GET", tree)


async def test_approvals_and_model_calls_are_counted_together(
    pair: Pair, project: Path, model_server: ModelServer, model_key: str
) -> None:
    def write(path: str) -> ToolCall:
        return ToolCall("write_file", {"path": path, "content": "x\n"})

    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[write("a.txt")]),
            Reply(text="Written."),
            Reply(tool_calls=[write("b.txt")]),
            Reply(text="Not written."),
            Reply(text="The last one."),
        ],
    )
    limits = {"CODELAB_APPROVAL_REQUESTS_PER_HOUR": "1", "CODELAB_LLM_REQUESTS_PER_HOUR": "5"}
    async with pair.running(**limits) as (first, second):
        session_id = await first.new_session()
        allowed = await first.turn(session_id, "Create a.txt", approve)
        assert of_type(allowed, "tool_result")[0]["ok"]

        frames = await second.turn(session_id, "Create b.txt", approve)
        (result,) = of_type(frames, "tool_result")
        assert not result["ok"]
        assert "limit of 1 for approval requests" in result["output"]
        assert not of_type(frames, "approval")
        assert not (project / "b.txt").exists()
        assert frames[-1]["data"]["stop_reason"] == "end"

        await first.turn(session_id, "Explain it")
        for client in (first, second):
            frames = await client.turn(session_id, "Explain it again")
            (error,) = of_type(frames, "error")
            assert error["code"] == "rate_limited"
            assert error["retryable"]
            assert "limit of 5 for llm requests" in error["message"]
            assert frames[-1]["data"]["stop_reason"] == "error"
    assert len(await model_server.requests(model_key)) == 5


async def test_services_have_no_limit_and_their_calls_are_recorded(
    pair: Pair, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(model_key, [Reply(text="Hello.", repeat=True)])
    settings = {
        "CODELAB_LLM_REQUESTS_PER_HOUR": "1",
        "CODELAB_INTERNAL_SECRET": INTERNAL_SECRET,
    }
    body = {"model": "scripted", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"X-Internal-Secret": INTERNAL_SECRET}
    async with pair.running(**settings) as (first, second):
        for client in (first, second, first):
            url = f"{client.server.url}/api/v1/llm/chat/completions"
            async with client.http.post(url, json=body, headers=headers) as response:
                assert response.status == 200
        # Each process writes its own calls down within half a second; asking hurries its own.
        async with asyncio.timeout(10):
            calls = 0
            while calls < 3:
                report = await first.call("GET", "usage?group=user&everybody=true")
                calls = sum(one["calls"] for one in report["sums"])
        assert [(one["key"], one["calls"]) for one in report["sums"]] == [("", 3)]
