"""Users and agents find code in an indexed project, over the real wire."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, items, of_type
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """How code is found has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


async def indexed(client: Client) -> str:
    """Wait until the project's index is whole; returns where the project is."""
    (workspace,) = items(await client.call("GET", "workspaces"))
    place = f"workspaces/{workspace['id']}"
    deadline = time.monotonic() + 20
    while (status := await client.call("GET", f"{place}/index"))["state"] != "ready":
        assert time.monotonic() < deadline, status
        await asyncio.sleep(0.05)
    assert status["coverage"]["languages"]["Python"][0] >= 2
    return place


async def test_people_search_lines_code_and_symbols(client: Client) -> None:
    place = await indexed(client)

    async def search(query: str) -> Any:
        return await client.call("GET", f"{place}/search?{query}")

    lines = await search("pattern=def%20total&path=shop")
    assert [(one["path"], one["text"]) for one in lines["matches"]] == [
        ("shop/cart.py", "def total(prices):")
    ]
    code = await search("mode=code&pattern=add%20all%20prices%20up")
    assert code["findings"][0]["path"] == "shop/cart.py"
    assert "def total(prices):" in code["findings"][0]["text"]
    symbols = await search("mode=symbol&pattern=total")
    first = symbols["places"][0]
    assert (first["path"], first["kind"], first["first"]) == ("shop/cart.py", "function", 1)
    outline = await client.call("GET", f"{place}/symbols?path=shop/cart.py")
    assert [(one["name"], one["first"]) for one in outline["places"]] == [("total", 1)]
    assert (await client.call("GET", f"{place}/symbols?path=../cart.py"))["places"] == []
    bad = await client.call("GET", f"{place}/search?pattern=(", expect=422)
    assert bad["code"] == "pattern_invalid"
    again = await client.call("POST", f"{place}/index", expect=202)
    assert again["state"] in ("indexing", "ready")
    assert await client.call("GET", f"workspaces/{'0' * 32}/index", expect=404)


async def test_an_agent_finds_by_description_what_it_was_not_told(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await indexed(client)
    call = ToolCall("search_code", {"query": "where are all prices added up?"})
    await model_server.script(model_key, [Reply(tool_calls=[call]), Reply(text="In the cart.")])
    frames = await client.turn(await client.new_session(), "@ask Where is it?")
    (result,) = of_type(frames, "tool_result")
    assert result["ok"]
    assert result["output"].splitlines()[0].startswith("1. shop/cart.py:1-")
    assert "def total(prices):" in result["output"]
