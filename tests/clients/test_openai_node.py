"""OpenAI's own package for Node through our `/v1`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.conftest import CHAT, MODELS, V1, VECTORS
from tests.model_server.embeddings import vector_of
from tests.model_server.script import Reply, ToolCall, Usage
from tests.support import node

_PROGRAM = Path(__file__).with_name("client.mjs")


async def test_a_program_does_everything_once(v1: V1, tmp_path: Path) -> None:
    if reason := node.absent():
        pytest.skip(reason)
    call, done = [ToolCall("look", {"at": "ж"})], "It is there. 👋"
    await v1.script(
        Reply(text="I look.", tool_calls=call, split="bytes"),
        Reply(text=done, usage=Usage(30, 4)),
        Reply(text="I look.", tool_calls=call),
        Reply(text=done),
        # For the vectors, which need no words.
        Reply(),
        Reply(context_overflow=True),
    )
    (tmp_path / "node_modules").symlink_to(node.FOLDER / "node_modules")
    program = tmp_path / _PROGRAM.name
    program.write_text(_PROGRAM.read_text("utf-8"), "utf-8")
    ran = await v1.run(["node", program, v1.url, v1.token, CHAT, VECTORS], tmp_path)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    events = found.pop("events")
    assert (events[0], events[-1]) == ("response.created", "response.completed")
    assert found == {
        "models": MODELS,
        "call": ["look", {"at": "ж"}],
        "text": done,
        "tokens": 34,
        "response": ["completed", done],
        "vectors": [vector_of("one"), vector_of("three")],
        "errors": [
            ["NotFoundError", "model_not_found"],
            ["AuthenticationError", "invalid_api_key"],
            ["NotFoundError", "not_found"],
            ["BadRequestError", "invalid_input"],
            ["BadRequestError", "context_length_exceeded"],
        ],
    }
