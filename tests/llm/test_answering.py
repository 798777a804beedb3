"""A model of the catalogue answers single questions on the server's own account."""

from __future__ import annotations

from typing import Any

import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.api import CatalogueAnswers, UsageFilter
from tests.llm.layer import Layer
from tests.model_server import script
from tests.model_server.script import Reply

pytestmark = pytest.mark.filterwarnings("default")


def priced(layer: Layer, read: float, written: float) -> dict[str, Any]:
    entry = layer.entry("openai")
    entry["model_info"] = {"input_cost_per_token": read, "output_cost_per_token": written}
    return entry


async def test_an_answer_is_bounded_accounted_for_and_asked_for_once(layer: Layer) -> None:
    models = layer.build(
        priced(layer, 0.01, 0.1), layer.entry("anthropic"), ours={"fallbacks": ["anthropic"]}
    )
    await layer.script(Reply(text="[1]", usage=script.Usage(10, 2)), Reply(status=500))
    model = CatalogueAnswers(models, "openai")
    assert await model.answer("Which one?", 30) == "[1]"
    with pytest.raises(CodeLabError):
        await model.answer("Which one?", 30)
    seen = await layer.seen()
    assert len(seen) == 2 and {one.path for one in seen} == {"/v1/chat/completions"}
    assert 30 in (seen[0].body.get("max_tokens"), seen[0].body.get("max_completion_tokens"))
    [total] = await models.usage("model", UsageFilter())
    assert total.key == "openai" and total.cost_usd == pytest.approx(0.3)
    with pytest.raises(CodeLabError):
        await CatalogueAnswers(models, "nobody").answer("Which one?", 30)


async def test_what_a_question_may_cost_becomes_a_number_of_tokens(layer: Layer) -> None:
    models = layer.build(priced(layer, 0.001, 0.01))
    model = CatalogueAnswers(models, "openai")
    assert model.affordable(1.0, 50) == 500
    assert model.affordable(0.4, 50) == 0
    assert CatalogueAnswers(models, "nobody").affordable(1.0, 50) is None
