"""A model is shown the code that a message is about, though it names no file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, CodeLab, of_type
from tests.flows.installations import Installations
from tests.flows.test_code_search import indexed
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply

QUESTION = "@ask Where does the cart bring all prices into one result?"
SHOWN = "     4\t        result += price"


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """What is found has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def project(project: Path) -> Path:
    (project / ".codelabignore").write_text("kept.py\n")
    (project / "kept.py").write_text("def kept(prices):\n    result = prices.added\n")
    return project


@pytest.fixture
def most() -> int:
    return 6


@pytest.fixture
async def codelab(
    tmp_path: Path,
    project: Path,
    stores: Stores,
    models_yaml: str,
    installations: Installations,
    most: int,
) -> AsyncIterator[CodeLab]:
    """A server that makes an index, and looks up as many pieces."""
    extra = {"CODELAB_INDEX_ENGINE": "fts5", "CODELAB_GATHERED_PIECES": str(most)}
    server = CodeLab(tmp_path, project, stores, models_yaml, extra)
    installations.furnish(server)
    await server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
async def script(client: Client, model_server: ModelServer, model_key: str) -> None:
    await model_server.script(model_key, [Reply(text="I see.", repeat=True)])
    await indexed(client)


def found(frames: list[dict[str, Any]]) -> list[str]:
    pieces = [one for data in of_type(frames, "attached") for one in data["attachments"]]
    assert {one["kind"] for one in pieces} <= {"found"}
    return [f"{one['path']}:{one['first']}-{one['last']}" for one in pieces]


async def test_it_reads_the_right_file_first_and_each_file_once(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    session_id = await client.new_session()
    frames = await client.turn(session_id, QUESTION)
    assert found(frames) == ["shop/cart.py:1-5"]
    assert "kept" not in str(frames)
    (context, *_) = of_type(frames, "context")
    assert 0 < context["parts"]["attachments"] <= context["budget_tokens"] * 0.04
    history = await client.call("GET", f"sessions/{session_id}/history")
    assert history["items"][0]["found"] == [{"path": "shop/cart.py", "first": 1, "last": 5}]
    assert "attached" not in history["items"][0]
    assert found(await client.turn(session_id, "@ask yes, go on")) == []
    assert found(await client.turn(session_id, QUESTION)) == []
    prompts = [seen.body["messages"] for seen in await model_server.requests(model_key)]
    assert SHOWN in prompts[0][-1]["content"]
    assert all(later[: len(prompts[0])] == prompts[0] for later in prompts)
    # What the index knows of it is wrong at once, and perhaps for a while.
    (project / "shop" / "cart.py").write_text(
        "def total(prices):\n    return 'all prices result'\n"
    )
    await client.turn(await client.new_session(), QUESTION)
    (newest,) = (await model_server.requests(model_key))[-1:]
    assert "result += price" not in str(newest.body)


@pytest.mark.parametrize("most", [0])
async def test_nothing_is_looked_up_where_the_setting_says_so(client: Client) -> None:
    assert found(await client.turn(await client.new_session(), QUESTION)) == []
