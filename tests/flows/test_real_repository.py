"""An agent that is told what some code does, and not where, reads the right file of a real project.

The project is CodeLab itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Stores
from tests.conventions.documents import DOCS
from tests.flows.harness import Client, of_type
from tests.flows.test_code_search import indexed
from tests.flows.test_gathering import found
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, ToolCall

QUESTIONS = {
    "Where are keys and passwords masked in text before it is logged?": "kit/masking.py",
    "What decides how much of a conversation is summarised when the prompt gets too long?": (
        "agents/compaction/compacting.py"
    ),
    "What splits camelCase identifiers into words and stems them?": "retrieval/ranking/terms.py",
}


@pytest.fixture
def stores(sqlite_url: str) -> Stores:
    """How code is found has nothing to do with where sessions live."""
    return Stores("embedded", sqlite_url, None)


@pytest.fixture
def chosen() -> dict[str, str]:
    """An index is made."""
    return {"CODELAB_INDEX_ENGINE": "fts5"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """CodeLab's own sources."""
    folder = tmp_path / "codelab-project"
    left_out = shutil.ignore_patterns("static", "__pycache__")
    shutil.copytree(DOCS.parent / "src", folder / "src", ignore=left_out)
    return folder


async def test_the_right_file_is_read_first(
    client: Client, model_server: ModelServer, model_key: str
) -> None:
    await indexed(client, within_s=120)
    for question, name in QUESTIONS.items():
        path = f"src/codelab/{name}"
        await model_server.script(
            model_key,
            [
                Reply(tool_calls=[ToolCall("search_code", {"query": question})]),
                Reply(tool_calls=[ToolCall("read_file", {"path": path})]),
                Reply(text="Now I know."),
            ],
        )
        frames = await client.turn(await client.new_session(), f"@ask {question}")
        assert found(frames)[0].startswith(f"{path}:"), question
        searched, read = of_type(frames, "tool_result")
        assert searched["output"].startswith(f"1. {path}"), question
        assert "from __future__" in read["output"]
