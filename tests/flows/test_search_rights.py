"""Who may find what, seen from outside: over REST and the socket of a real server."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, Client, CodeLab, items, of_type, send, signed_in
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

# The same in two projects, so that what is kept by content is shared.
_SECRET = "def launch_codes():\n    return 'swordfish'\n"
_KEPT = "shop/plan.py"
_SEARCHES = (
    "regex&pattern=swordfish",
    "code&pattern=launch%20codes",
    "symbol&pattern=launch_codes",
)


# What each tool that reads is asked for, so that it would tell of shop/plan.py if it could.
_READING: dict[str, list[dict[str, object]]] = {
    "read_file": [{"path": "shop/plan.py"}, {"path": "shop/link.py"}],
    "list_files": [{"recursive": True}, {"path": "shop"}],
    "search_files": [{"pattern": "launch_codes|sword[f]ish"}, {"pattern": ".", "path": _KEPT}],
    "related_files": [{"path": "shop/uses.py"}, {"path": _KEPT}],
    "search_code": [{"query": "launch codes"}, {"query": "plan", "path": "shop"}],
    "find_symbol": [{"name": "launch_codes"}],
    "find_references": [{"name": "launch_codes"}],
    "repo_map": [{"budget": 8000}],
    "git_status": [{}],
    "git_diff": [{}, {"staged": True}, {"path": _KEPT}],
    "git_log": [{}, {"path": _KEPT}],
    "git_branches": [{}],
}
# These say that a file has changed, not what is in it.
_NAMING = {"git_status", "git_diff"}


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """Who may find what has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def chosen(tmp_path: Path) -> dict[str, str]:
    """Users have projects of their own, which are indexed."""
    for name in ("bobs", "anns", "kept"):
        folder = tmp_path / "own" / name
        folder.mkdir(parents=True)
        (folder / "cart.py").write_text("def total(prices):\n    return sum(prices)\n")
    (tmp_path / "own/bobs/codes.py").write_text(_SECRET)
    (tmp_path / "own/kept/codes.py").write_text(_SECRET)
    return {
        "CODELAB_WORKSPACES_ROOT": str(tmp_path / "own"),
        "CODELAB_INDEX_ENGINE": "fts5",
    }


@pytest.fixture
async def bob(client: Client, codelab: CodeLab) -> AsyncIterator[Client]:
    """Somebody who has the secret in a project of his own."""
    account = {"username": "bob", "password": PASSWORD, "role": "user"}
    await client.call("POST", "admin/users", account)
    async with signed_in(codelab, "bob") as signed:
        yield signed


async def opened(client: Client, path: str) -> str:
    """Make a folder a project of somebody's, and wait until it is indexed; returns its id."""
    project = await client.call("POST", "workspaces", {"path": path})
    await indexed(client, project["id"])
    return str(project["id"])


async def indexed(client: Client, project: str) -> None:
    """Wait until the index is whole."""
    deadline = time.monotonic() + 30
    while (await client.call("GET", f"workspaces/{project}/index"))["state"] != "ready":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def commit_all(project: Path) -> None:
    """Commit whatever lies there."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for words in (("add", "."), ("commit", "-qm", "Second")):
        subprocess.run(["git", *identity, *words], cwd=project, check=True)


async def found(client: Client, project: str, expect: int | None = None) -> list[int]:
    """Return how much each kind of search finds of the secret."""
    answers = [
        await client.call("GET", f"workspaces/{project}/search?mode={search}", expect=expect)
        for search in _SEARCHES
    ]
    if expect:
        return []
    shown = [
        [one["path"] for kind in ("matches", "findings", "places") for one in answer[kind]]
        for answer in answers
    ]
    return [paths.count("codes.py") for paths in shown]


async def test_a_stranger_finds_nothing_by_any_way(
    client: Client, bob: Client, model_server: ModelServer, model_key: str
) -> None:
    bobs = await opened(bob, "bobs")
    assert await found(bob, bobs) == [1, 1, 1]
    # An administrator has no more rights in it than anybody.
    await found(client, bobs, expect=404)
    for method in ("GET", "POST"):
        assert await client.call(method, f"workspaces/{bobs}/index", expect=404)
    await client.call("POST", "sessions", {"workspace_id": bobs}, expect=404)
    async with client.socket() as socket:
        frame = {"type": "watch", "data": {"workspace_id": bobs}}
        await socket.send(msgspec.json.encode(frame).decode())
        refused = msgspec.json.decode(await socket.recv())
    assert refused["type"] == "error" and refused["data"]["code"] == "not_found"
    # Nor does whoever works for somebody else, though all of it has been asked for before.
    anns = await opened(client, "anns")
    assert await found(client, anns) == [0, 0, 0]
    queries = [
        ToolCall("search_code", {"query": "launch codes"}),
        ToolCall("search_code", {"query": "launch codes", "path": "../bobs"}),
        ToolCall("find_symbol", {"name": "launch_codes"}),
        ToolCall("find_references", {"name": "launch_codes"}),
        ToolCall("repo_map", {"budget": 2000}),
        ToolCall("read_file", {"path": "../bobs/codes.py"}),
    ]
    delegate = ToolCall("delegate", {"agent": "ask", "task": "SUB: find the launch codes"})
    sub = When(last_contains="SUB: find")
    await model_server.script(
        model_key,
        [
            Reply(tool_calls=[delegate], when=When(last_contains="Find them")),
            Reply(tool_calls=queries, when=sub),
            Reply(text="Nothing.", repeat=True),
        ],
    )
    session = await client.call("POST", "sessions", {"workspace_id": anns})
    frames = await client.turn(session["id"], "Find them", agent="orchestrator")
    results = of_type(frames, "tool_result")
    assert len(results) == len(queries) + 1
    shown = " ".join(result["output"] for result in results)
    assert "codes.py:" not in shown and "swordfish" not in shown


async def test_what_is_taken_away_ends_what_runs_with_it(
    client: Client, bob: Client, codelab: CodeLab, model_server: ModelServer, model_key: str
) -> None:
    look = Reply(tool_calls=[ToolCall("search_code", {"query": "launch codes"})])
    # It would go on looking, if it were let.
    endless = [look, Reply(text="late", delay_s=50), look, Reply(text="late", delay_s=50)]
    await model_server.script(model_key, endless)
    bobs, kept = await opened(bob, "bobs"), await opened(bob, "kept")

    async def asked(times: int) -> None:
        deadline = time.monotonic() + 30
        while len(await model_server.requests(model_key)) < times:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def ended(request: int) -> None:
        """Wait until the model's answer is not awaited any more."""
        deadline = time.monotonic() + 30
        while not (await model_server.requests(model_key))[request].cut_by_client:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async with bob.socket() as socket:
        first = await bob.call("POST", "sessions", {"workspace_id": bobs})
        await send(socket, "chat", first["id"], message="Find them")
        await asked(2)
        await bob.call("DELETE", f"workspaces/{bobs}")
        await found(bob, bobs, expect=404)
        await ended(1)
        folder = codelab.folder / "data" / "index" / bobs
        deadline = time.monotonic() + 20
        while folder.exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

        second = await bob.call("POST", "sessions", {"workspace_id": kept})
        await send(socket, "chat", second["id"], message="Find them")
        await asked(4)
        people = items(await client.call("GET", "admin/users"))
        (his,) = [one["id"] for one in people if one["username"] == "bob"]
        await client.call("PATCH", f"admin/users/{his}", {"disabled": True})
        await found(bob, kept, expect=401)
        await ended(3)
    assert len(await model_server.requests(model_key)) == 4


async def test_what_is_kept_from_agents_is_told_by_no_tool(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    # Whoever adds a tool that reads says here what to ask it for.
    tools = await client.call("GET", "tools")
    assert {one["name"] for one in tools if one["category"] == "read"} == set(_READING)
    plan, first, then = project / _KEPT, _SECRET, _SECRET.replace("'", "'new ")
    plan.write_text(first)
    (project / "shop/uses.py").write_text("from shop.plan import total\n")
    (project / "shop/link.py").symlink_to("plan.py")
    commit_all(project)
    plan.write_text(then)
    (workspace,) = items(await client.call("GET", "workspaces"))
    await indexed(client, workspace["id"])
    symbols = f"workspaces/{workspace['id']}/search?mode=symbol&pattern=launch_codes"
    assert len((await client.call("GET", symbols))["places"]) == 1

    # It holds from the next call on, whatever the index and the caches know.
    (project / ".codelabignore").write_text("plan.py\n")
    calls = [ToolCall(name, given) for name, some in _READING.items() for given in some]
    await model_server.script(
        model_key, [*(Reply(tool_calls=[call]) for call in calls), Reply(text="Done.", repeat=True)]
    )
    frames = await client.turn(
        await client.new_session(), f"What is in @{_KEPT} and @shop?", agent="coder"
    )
    results = of_type(frames, "tool_result")
    assert len(results) == len(calls)
    for call, result in zip(calls, results, strict=True):
        assert result["ok"] or "kept from agents" in result["output"], (call, result)
        assert "swordfish" not in result["output"], call
        if call.name not in _NAMING and result["ok"]:
            assert "plan.py" not in result["output"], call
            assert "def launch_codes" not in result["output"], call
    # Neither does a mention bring it, nor anything else that a model is shown.
    shown = str([request.body["messages"] for request in await model_server.requests(model_key)])
    assert "swordfish" not in shown and "kept from agents by .codelabignore" in shown
    # People have it all the same.
    lines = await client.call("GET", f"workspaces/{workspace['id']}/search?pattern=swordfish")
    assert [one["path"] for one in lines["matches"]] == [_KEPT]
