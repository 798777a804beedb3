"""No provider is asked for more than a request says and its entry allows."""

from __future__ import annotations

from typing import Any

import pytest

from codelab.llm.answer_limits import bounded, limit_of
from codelab.llm.api import Caps
from tests.llm.conftest import add_user
from tests.llm.layer import Layer, ask, request
from tests.model_server.script import Reply

pytestmark = pytest.mark.filterwarnings("default")

PRICES = {"input_cost_per_token": 1e-5, "output_cost_per_token": 1e-4, "max_output_tokens": 1000}
# More than the input of a short question, and some 500 tokens of an answer.
HALF = Caps(user_day_usd=0.052)
GREEDY = {
    "max_tokens": 100_000,
    "max_completion_tokens": 100_000,
    "n": 4,
    "best_of": 9,
    "extra_body": {"max_tokens": 100_000, "n": 4, "options": {"num_predict": 100_000}},
}


def asked_for(body: dict[str, Any]) -> int:
    """The longest answer that a body asks for, by whichever name."""
    named = [body.get("max_tokens"), body.get("max_completion_tokens")]
    named.append(body.get("options", {}).get("num_predict"))
    return max(one for one in named if isinstance(one, int))


@pytest.mark.parametrize("wire", ["openai", "anthropic", "ollama"])
@pytest.mark.parametrize("early", [True, False])
async def test_within_a_cap_no_entry_asks_for_more_than_is_reserved(
    layer: Layer, wire: str, early: bool
) -> None:
    entry = layer.entry(wire) | {"model_info": PRICES}
    entry["litellm_params"] |= {"max_tokens": 100_000} if early else GREEDY
    models = layer.build(entry, caps=HALF)
    await layer.script(Reply(text="a", repeat=True))
    await ask(models, wire, user_id=await add_user(layer.db))
    [seen] = await layer.seen()
    body = dict(seen.body)
    assert asked_for(body) < 600
    assert body.get("n", 1) == 1
    assert "best_of" not in body


async def test_an_entry_s_limit_is_the_default_and_the_most(layer: Layer) -> None:
    entry = layer.entry("openai") | {"model_info": PRICES}
    entry["litellm_params"]["max_tokens"] = 300
    models = layer.build(entry)
    assert models.info("openai").max_output_tokens == 300
    await layer.script(Reply(text="a", repeat=True))
    await ask(models, "openai")
    await ask(models, "openai", max_output_tokens=200)
    await ask(models, "openai", max_output_tokens=900)
    assert [asked_for(dict(one.body)) for one in await layer.seen()] == [300, 200, 300]


def test_the_least_of_all_limits_holds() -> None:
    assert limit_of({"max_tokens": "70", "num_predict": 50, "max_new_tokens": -1}) == 50
    assert limit_of({"max_tokens": None, "top_p": 1}) is None
    asked = request("m", options={"max_tokens": 40, "n": 3, "seed": 1}, max_output_tokens=60)
    limited = bounded(asked, {"max_tokens": 50})
    assert (limited.max_output_tokens, limited.options) == (40, {"seed": 1})
    assert bounded(request("m"), {}) == request("m")
