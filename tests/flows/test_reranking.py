"""A model puts into order what agents find, over the real wire."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, items, of_type
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

JUDGING = When(last_contains="Answer with nothing but a JSON list of numbers")
DONE = Reply(text="In the cart.")


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """How code is found has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def chosen() -> dict[str, str]:
    """An index is made, and a model puts into order what agents find in it."""
    return {"CODELAB_INDEX_ENGINE": "fts5", "CODELAB_RERANK_MODEL": "scripted"}


async def indexed(client: Client) -> str:
    """Wait until the project's index is whole; returns where the project is."""
    (workspace,) = items(await client.call("GET", "workspaces"))
    place = f"workspaces/{workspace['id']}"
    deadline = time.monotonic() + 20
    while (status := await client.call("GET", f"{place}/index"))["state"] != "ready":
        assert time.monotonic() < deadline, status
        await asyncio.sleep(0.05)
    return place


async def test_a_model_orders_what_agents_find_until_it_fails(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    place = await indexed(client)
    session = await client.new_session()
    search = Reply(tool_calls=[ToolCall("search_code", {"query": "total of prices in the shop"})])
    await model_server.script(model_key, [search, Reply(text="[1]", when=JUDGING), DONE])
    (result,) = of_type(await client.turn(session, "@ask Where is it?"), "tool_result")
    heads = [line for line in result["output"].splitlines() if line[:1].isdigit()]
    assert heads[0].startswith("1. shop/cart.py:1-") and "a model's choice" in heads[0]
    assert len(heads) > 1 and "a model's choice" not in heads[1]

    # It prefers the second one, and then does not answer any more.
    script = [search, Reply(text="[2]", when=JUDGING), search, Reply(status=500, when=JUDGING)]
    await model_server.script(model_key, [*script, DONE])
    results = of_type(await client.turn(session, "@ask Where again?"), "tool_result")
    firsts = [result["output"].splitlines()[0].split()[1] for result in results]
    assert firsts == [heads[1].split()[1], heads[0].split()[1]]
    assert "(not put into order by scripted: " in results[1]["output"]

    # People's searches are not sent to it.
    asked = len(await model_server.requests(model_key))
    code = await client.call("GET", f"{place}/search?mode=code&pattern=total%20of%20prices")
    assert code["findings"][0]["path"] == "shop/cart.py" and code["note"] == ""
    assert len(await model_server.requests(model_key)) == asked
