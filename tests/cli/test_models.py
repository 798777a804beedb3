"""`codelab models` on a real installation, before the scripted model server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.cli.models import lines_of
from codelab.llm.api import ModelLine, Overview
from codelab.sdk import ModelInfo
from tests.cli.installed import Installation
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply

FILE = """
model_list:
  - model_name: strong
    litellm_params: {{model: anthropic/claude-opus-5, api_base: "{url}", api_key: {key}}}
  - model_name: quick
    litellm_params: {{model: openai/quick, api_base: "{url}/v1", api_key: {key}}}
    model_info: {{max_input_tokens: 5000, input_cost_per_token: 0.000002, description: Small.}}
  - model_name: vectors
    litellm_params: {{model: openai/vectors, api_base: "{url}/v1", api_key: {key}}}
    model_info: {{mode: embedding}}
codelab:
  aliases: {{fable: strong}}
  agents: {{ask: [quick, fable]}}
  roles: {{balanced: quick}}
  fallbacks: [quick]
"""


@pytest.fixture(scope="module")
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


async def test_each_model_is_shown_with_all_that_is_known_and_asked(
    tmp_path: Path, model_server: ModelServer
) -> None:
    key = f"sk-{tmp_path.name}-0123456789"
    installation = Installation(tmp_path)
    file = tmp_path / "models.yaml"
    file.write_text(FILE.format(url=model_server.url, key=key))
    await model_server.script(key, [Reply(text="ready", repeat=True)])
    done = installation.run(
        "models", "--check", environment={"CODELAB_MODELS_FILE": str(file), "COLUMNS": "100"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    strong, quick = (
        lines.index("strong  (anthropic/claude-opus-5)"),
        lines.index("quick  (openai/quick)"),
    )
    assert lines[strong + 1].startswith("  chat, tools, images, reasoning; window ")
    assert "$5.00 in, $25.00 out per 1M" in lines[strong + 1]
    assert lines[strong + 2] == "  also fable; from models.yaml, line 3"
    assert "window 5,000; answer 4,096; $2.00 in, $0.00 out" in lines[quick + 1]
    assert lines[quick + 3] == "  Small."
    assert "  embedding; window 32,000; price unknown" in lines
    assert "  reasoning: strong → quick  (orchestrator, architect)" in lines
    assert "  ask (its own): quick → strong" in lines
    for name in ("strong", "quick", "vectors"):
        assert any(line.startswith(f"{name}: answers in ") for line in lines)
    assert key not in done.stdout + done.stderr


def test_long_chains_are_wrapped() -> None:
    names = tuple(f"a-model-with-a-long-name-{n}" for n in range(12))
    line = ModelLine(
        info=ModelInfo(name=names[0], provider="plugin", tools=False),
        model="",
        input_price=None,
        output_price=None,
        aliases=names[1:],
        origin="a plugin",
    )
    found = list(lines_of(Overview(models=(line,), roles={"fast": names}, agents={}), {}))
    assert found[:2] == [
        f"{names[0]}  (plugin)",
        "  chat; window 32,000; answer 4,096; price unknown",
    ]
    assert max(map(len, found)) <= 100
