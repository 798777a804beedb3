"""A conversation that outgrows its model, through a whole server."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, of_type, spoken
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, When

_WINDOW = 16_000
_MODELS = {"openai": "openai/scripted", "anthropic": "anthropic/claude-sonnet-4-5"}
_SUMMARISES = When(system_contains="You summarise")


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """What models are shown has nothing to do with where data lives."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture(params=["openai", "anthropic"])
def models_yaml(request: pytest.FixtureRequest, model_server: ModelServer, model_key: str) -> str:
    """A models.yaml with one model that has a small window, in each provider's words."""
    address = {"openai": model_server.openai_url, "anthropic": model_server.url}
    return (
        "model_list:\n"
        "  - model_name: small\n"
        "    litellm_params:\n"
        f"      model: {_MODELS[request.param]}\n"
        f"      api_base: {address[request.param]}\n"
        f"      api_key: {model_key}\n"
        "    model_info:\n"
        f"      max_input_tokens: {_WINDOW}\n"
        "      max_output_tokens: 2000\n"
    )


async def exported(client: Client) -> int:
    """Count the compactions in the user's export."""
    url = f"{client.url}/api/v1/users/me/export"
    async with client.http.get(url, headers=client.headers) as response:
        content = zipfile.ZipFile(io.BytesIO(await response.read()))
    return content.read("sessions.json").count(b'"type":"compacted"')


async def test_a_provider_that_says_too_long_is_asked_again_with_less(
    client: Client, project: Path, model_server: ModelServer, model_key: str
) -> None:
    (project / "long.txt").write_text("a line of a long file\n" * 800)
    look = ToolCall("read_file", {"path": "long.txt"})
    await model_server.script(
        model_key,
        [
            Reply(text="They looked at a file.", when=_SUMMARISES, repeat=True),
            Reply(tool_calls=[look]),
            Reply(context_overflow=True),
            Reply(text="It is long."),
        ],
    )
    session_id = await client.new_session()
    frames = await client.turn(session_id, "@coder What is in it?")
    assert of_type(frames, "error") == []
    assert spoken(frames) == "It is long."
    (compacted,) = of_type(frames, "compacted")
    assert compacted["tokens_after"] < compacted["tokens_before"]
    measured = of_type(frames, "context")
    assert [one["used_tokens"] <= one["budget_tokens"] for one in measured] == [True] * 3
    assert measured[0]["parts"]["system"] > 0


async def test_a_long_session_is_compacted_shown_and_given_back(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(text="They spoke of the shop.", when=_SUMMARISES, repeat=True),
            Reply(text="Well. " * 300, repeat=True),
        ],
    )
    session_id = await client.new_session()
    compacted: list[dict[str, Any]] = []
    turns = 0
    while not compacted and turns < 20:
        frames = await client.turn(session_id, f"@coder Explain {turns}. {'Really? ' * 600}")
        compacted, turns = of_type(frames, "compacted"), turns + 1
    assert compacted[0]["summary"] == "They spoke of the shop."
    history = await client.call("GET", f"sessions/{session_id}/history")
    hidden = [item for item in history["items"] if item.get("hidden")]
    assert len(hidden) == compacted[0]["hidden_messages"]
    assert hidden[0]["text"].startswith("@coder Explain 0.")

    # The summary is paid for: the table and the log have it.
    report = await client.call("GET", "usage?group=agent")
    table = {one["key"]: one for one in report["sums"]}
    paid = [one for one in of_type(frames, "usage") if one["agent"] == "compaction"]
    assert table["compaction"]["calls"] == len(paid) == 1
    assert table["compaction"]["input_tokens"] == paid[0]["input_tokens"]

    made = await client.call("POST", f"sessions/{session_id}/compact")
    assert made["tokens_after"] < made["tokens_before"]
    listed = await client.call("GET", f"sessions/{session_id}/compactions")
    assert [one["in_force"] for one in listed] == [True, True]
    assert await exported(client) == 2
    first = listed[0]["seq"]
    await client.call("POST", f"sessions/{session_id}/compactions/{first}/restore")
    await client.call("POST", f"sessions/{session_id}/compactions/{first}/restore", expect=404)
    history = await client.call("GET", f"sessions/{session_id}/history")
    assert not [item for item in history["items"] if item.get("hidden")]
