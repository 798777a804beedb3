"""The further parameters of a request reach each provider as far as it knows them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.llm.layer import READ_FILE, Layer, ask
from tests.model_server.script import Reply

OPTIONS: dict[str, Any] = {
    "top_p": 0.5,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -100.0},
    "seed": 3,
    "stop": ["END"],
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "verbosity": "low",
    "tool_choice": "required",
    "parallel_tool_calls": False,
}


@pytest.mark.parametrize(
    ("wire", "known"),
    [
        ("openai", {"top_p": 0.5, "seed": 3, "stop": ["END"], "tool_choice": "required"}),
        ("anthropic", {"stop_sequences": ["END"]}),
        ("ollama", {}),
    ],
)
async def test_no_provider_stumbles_over_what_it_does_not_know(
    layer: Layer, wire: str, known: dict[str, Any]
) -> None:
    await layer.script(Reply(text="Hello."))
    models = layer.build(layer.entry(wire))
    # Until litellm is loaded OpenAI's wire is written without it.
    await models.warm_up()
    answer = await ask(models, wire, options=OPTIONS, tools=(READ_FILE,))
    assert answer.text == "Hello."
    sent = (await layer.seen())[0].body
    assert {name: sent.get(name) for name in known} == known
