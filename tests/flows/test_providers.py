"""Turns in the formats of Anthropic and Ollama, and a turn that falls back to a second model."""

from __future__ import annotations

import pytest

from tests.conftest import Stores
from tests.flows.harness import Client, free_port, of_type, spoken
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall, Usage


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """What models speak has nothing to do with where data lives."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def models_yaml(request: pytest.FixtureRequest) -> str:
    """The models.yaml that a test names."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def anthropic_yaml(model_server: ModelServer, model_key: str) -> str:
    return (
        "model_list:\n"
        "  - model_name: scripted\n"
        "    litellm_params:\n"
        "      model: anthropic/claude-sonnet-4-5\n"
        f"      api_base: {model_server.url}\n"
        f"      api_key: {model_key}\n"
    )


@pytest.fixture
def ollama_yaml(model_server: ModelServer, model_key: str) -> str:
    return (
        "model_list:\n"
        "  - model_name: scripted\n"
        "    litellm_params:\n"
        f"      model: ollama_chat/scripted-{model_key}\n"
        f"      api_base: {model_server.url}\n"
    )


@pytest.fixture
def chain_yaml(model_server: ModelServer, model_key: str) -> str:
    """A model that fails, one whose server is down, and one that answers."""
    return (
        "model_list:\n"
        "  - model_name: failing\n"
        "    litellm_params:\n"
        "      model: openai/failing\n"
        f"      api_base: {model_server.openai_url}\n"
        f"      api_key: {model_key}-failing\n"
        "  - model_name: absent\n"
        "    litellm_params:\n"
        "      model: openai/absent\n"
        f"      api_base: http://127.0.0.1:{free_port()}/v1\n"
        "      api_key: unused\n"
        "  - model_name: scripted\n"
        "    litellm_params:\n"
        "      model: openai/scripted\n"
        f"      api_base: {model_server.openai_url}\n"
        f"      api_key: {model_key}\n"
        "codelab:\n"
        "  default: failing\n"
        "  fallbacks: [absent, scripted]\n"
    )


@pytest.mark.parametrize(
    ("models_yaml", "path"),
    [("anthropic_yaml", "/v1/messages"), ("ollama_yaml", "/api/chat")],
    indirect=["models_yaml"],
    ids=["anthropic", "ollama"],
)
async def test_a_turn_in_another_wire_format(
    client: Client, model_server: ModelServer, model_key: str, path: str
) -> None:
    await model_server.script(
        model_key,
        [
            Reply(
                text=["I ", "read ", "it."],
                tool_calls=[ToolCall("read_file", {"path": "README.md"})],
                usage=Usage(input=20, output=7),
            ),
            Reply(text=["A ", "small ", "shop."], usage=Usage(input=40, output=3)),
        ],
    )
    session_id = await client.new_session()

    frames = await client.turn(session_id, "What is this project?")

    assert spoken(frames) == "I read it.A small shop."
    assert len(of_type(frames, "token")) > 2, "pieces come as they are written"
    (call,), (result,) = of_type(frames, "tool_call"), of_type(frames, "tool_result")
    assert (call["tool"], call["parameters"]["path"]) == ("read_file", "README.md")
    assert result["ok"]
    assert "A small shop." in result["output"]
    used = of_type(frames, "usage")
    assert [(one["input_tokens"], one["output_tokens"]) for one in used] == [(20, 7), (40, 3)]
    assert {one["model"] for one in used} == {"scripted"}
    done = frames[-1]["data"]
    assert done["stop_reason"] == "end"
    assert done["usage"]["input_tokens"] == 60
    seen = await model_server.requests(model_key)
    assert {one.path for one in seen} == {path}
    assert "# Shop" in str(seen[1].body), "the tool's result goes back to the model"


@pytest.mark.parametrize("models_yaml", ["chain_yaml"], indirect=True)
async def test_the_next_model_of_the_chain_answers(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    failing = f"{model_key}-failing"
    await model_server.script(failing, [Reply(status=500, repeat=True)])
    await model_server.script(model_key, [Reply(text="The third model speaks.")])
    session_id = await client.new_session()

    frames = await client.turn(session_id, "What is this project?")

    assert spoken(frames) == "The third model speaks."
    assert frames[-1]["data"]["stop_reason"] == "end"
    assert not of_type(frames, "error")
    (used,) = of_type(frames, "usage")
    assert used["model"] == "scripted"
    assert await model_server.requests(failing), "the preferred model was asked first"
    report = await client.call("GET", "usage?group=model")
    assert [(one["key"], one["calls"]) for one in report["sums"]] == [("scripted", 1)]
