"""Users and agents find code in an indexed project, over the real wire."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, CodeLab, approve, items, of_type
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """How code is found has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def chosen() -> dict[str, str]:
    """An index is made."""
    return {"CODELAB_INDEX_ENGINE": "fts5"}


def workers_of(codelab: CodeLab) -> list[str]:
    """Return the numbers of the processes of a server that make indexes."""
    children = Path(f"/proc/{codelab.pid}/task/{codelab.pid}/children").read_text().split()
    return [one for one in children if b"indexing" in Path(f"/proc/{one}/cmdline").read_bytes()]


async def indexed(client: Client, *, within_s: float = 20) -> str:
    """Wait until the project's index is whole; returns where the project is."""
    (workspace,) = items(await client.call("GET", "workspaces"))
    place = f"workspaces/{workspace['id']}"
    deadline = time.monotonic() + within_s
    while (status := await client.call("GET", f"{place}/index"))["state"] != "ready":
        assert time.monotonic() < deadline, status
        await asyncio.sleep(0.05)
    assert status["coverage"]["languages"]["Python"][0] >= 2
    return place


async def measured(client: Client) -> set[str]:
    """Read all measurements, as Prometheus does."""
    async with client.http.get(f"{client.url}/metrics", headers=client.headers) as answer:
        assert answer.status == 200
        return set((await answer.text()).splitlines())


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
    await client.call("GET", f"{place}/search?mode=symbol&pattern=nobody")
    lines = await measured(client)
    for kind, found, count in (("code", "true", 1), ("symbol", "true", 1), ("symbol", "false", 1)):
        assert f'codelab_code_searches_total{{found="{found}",kind="{kind}"}} {count}.0' in lines
    assert 'codelab_code_search_seconds_count{kind="symbol"} 2.0' in lines
    assert 'codelab_indexes{state="ready"} 1.0' in lines
    assert {
        'codelab_index_files{language="Python"} 4.0',
        "codelab_index_waiting_files 0.0",
    } <= lines
    assert 'codelab_index_lines{language="Markdown"} 3.0' in lines
    (age,) = [line.split()[1] for line in lines if line.startswith("codelab_index_age_seconds ")]
    assert 0 < float(age) < 60
    again = await client.call("POST", f"{place}/index", expect=202)
    assert again["state"] in ("indexing", "ready")
    assert await client.call("GET", f"workspaces/{'0' * 32}/index", expect=404)


@pytest.mark.parametrize("begin", ["watch", "resume", "chat"])
async def test_an_index_is_begun_as_soon_as_somebody_looks(
    client: Client, codelab: CodeLab, model_server: ModelServer, model_key: str, begin: str
) -> None:
    (workspace,) = items(await client.call("GET", "workspaces"))
    folder = codelab.folder / "data" / "index" / workspace["id"]
    session_id = await client.new_session()
    await model_server.script(model_key, [Reply(text="Hello.")])
    assert not folder.exists() and not workers_of(codelab)
    data = {"workspace_id": workspace["id"], "last_seq": 0, "message": "Hello?"}
    wanted = {"watch": "workspace_id", "resume": "last_seq", "chat": "message"}[begin]
    async with client.socket() as socket:
        frame = {"type": begin, "session_id": session_id, "data": {wanted: data[wanted]}}
        await socket.send(msgspec.json.encode(frame).decode())
        deadline = time.monotonic() + 20
        while not folder.exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_what_an_agent_has_changed_is_found_by_its_next_step(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await indexed(client)
    health = await client.call("GET", "../../health")
    if health["checks"]["sandbox"].get("detail", "").startswith("Commands are off"):
        pytest.skip("no box can be built here")
    work = [
        ToolCall("write_file", {"path": "shop/tax.py", "content": "def vat_of(cart):\n    pass\n"}),
        ToolCall("find_symbol", {"name": "vat_of"}),
        ToolCall("execute_command", {"command": "sed -i s/total/sum_up/ shop/cart.py"}),
        ToolCall("find_symbol", {"name": "sum_up"}),
    ]
    replies = [Reply(tool_calls=[call]) for call in work]
    await model_server.script(model_key, [*replies, Reply(text="Done.", repeat=True)])
    session_id = await client.new_session()
    frames = await client.turn(session_id, "Change it", approve, agent="coder")
    outputs = [result["output"] for result in of_type(frames, "tool_result")]
    assert outputs[1].startswith("function vat_of  shop/tax.py:1-2")
    assert outputs[3].startswith("function sum_up  shop/cart.py:1-")
    taken = of_type(frames, "checkpoint")
    restore = f"sessions/{session_id}/checkpoints/{taken[0]['checkpoint_id']}/restore"
    await client.call("POST", restore, {})
    (workspace,) = items(await client.call("GET", "workspaces"))
    for name, expected in (("sum_up", []), ("vat_of", []), ("total", ["shop/cart.py"])):
        search = f"workspaces/{workspace['id']}/search?mode=symbol&pattern={name}"
        found = await client.call("GET", search)
        assert [one["path"] for one in found["places"] if one["name"] == name] == expected


@pytest.mark.parametrize("chosen", [{"CODELAB_INDEX_ENGINE": "off"}])
async def test_without_an_index_code_is_searched_as_it_is_written(
    client: Client, codelab: CodeLab, model_server: ModelServer, model_key: str
) -> None:
    (workspace,) = items(await client.call("GET", "workspaces"))
    place = f"workspaces/{workspace['id']}"
    call = ToolCall("search_code", {"query": "which price is added to the result?"})
    await model_server.script(model_key, [Reply(tool_calls=[call]), Reply(text="In the cart.")])
    (result,) = of_type(
        await client.turn(await client.new_session(), "@ask Where is it?"), "tool_result"
    )
    assert result["output"].startswith("1. shop/cart.py:1-")
    assert "(found by plain search: no index is made on this server" in result["output"]
    people = await client.call("GET", f"{place}/search?mode=code&pattern=add%20prices")
    assert people["findings"][0]["path"] == "shop/cart.py"
    assert people["note"] in result["output"]
    refused = await client.call("POST", f"{place}/index", expect=409)
    status = await client.call("GET", f"{place}/index")
    assert (status["state"], status["coverage"], status["note"]) == (
        "off",
        None,
        refused["detail"],
    )
    assert not (codelab.folder / "data" / "index").exists()
    assert not workers_of(codelab)


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
