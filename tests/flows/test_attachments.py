"""What a message mentions and what the project says, over every way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, Client, CodeLab, of_type, spoken
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, When

MESSAGE = 'Explain @shop/cart.py with @"my notes.txt", not @gone.py'
NAMES = ["AGENTS.md", "shop/cart.py", "my notes.txt", "gone.py"]


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """What models are shown has nothing to do with where data lives."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def project(project: Path) -> Path:
    (project / "AGENTS.md").write_text("Explain in one sentence.\n")
    (project / "my notes.txt").write_text("The first price is lost.\n")
    return project


@pytest.fixture(autouse=True)
async def script(client: Client, model_server: ModelServer, model_key: str) -> None:
    """Answer with what stands in the message, as far as it does."""
    cart = Reply(text="The cart is there.", when=When(last_contains="     2\t    result = 0"))
    await model_server.script(model_key, [cart, Reply(text="It is not there.", repeat=True)])


async def test_over_the_websocket_and_in_the_history(client: Client) -> None:
    session_id = await client.new_session()
    frames = await client.turn(session_id, f"@ask {MESSAGE}")
    assert "The cart is there." in spoken(frames)
    items = [item for data in of_type(frames, "attached") for item in data["attachments"]]
    assert [item["path"] for item in items] == NAMES
    assert [bool(item.get("refused")) for item in items] == [False, False, False, True]
    (agent,) = of_type(frames, "agent")
    assert agent["to"] == "ask"
    history = await client.call("GET", f"sessions/{session_id}/history")
    assert history["items"][0]["attached"] == ["shop/cart.py", "my notes.txt"]


async def test_over_rest(client: Client) -> None:
    session_id = await client.new_session()
    url, body = f"{client.url}/api/v1/agent/chat", {"session_id": session_id, "message": MESSAGE}
    async with client.http.post(url, json=body, headers=client.headers) as response:
        text = (await response.read()).decode()
    assert "event: attached" in text
    assert "The cart is there." in text


async def test_in_the_terminal(client: Client, codelab: CodeLab) -> None:
    codelab.extra |= {"CODELAB_USERNAME": USER, "CODELAB_PASSWORD": PASSWORD}
    printed = codelab.run("chat", "--server", codelab.url, MESSAGE)
    assert "The cart is there." in printed
