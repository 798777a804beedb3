"""What models cost and hold, from the list that litellm ships, read without importing litellm."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec

from codelab.sdk.model import Usage

_DISTRIBUTION = "litellm"
_LIST = "litellm/model_prices_and_context_window_backup.json"
# The list holds text in place of a number here and there.
_Number = float | str | None


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A model's window in tokens, its prices in US dollars a token, and what it can do."""

    max_input_tokens: _Number = None
    max_output_tokens: _Number = None
    max_tokens: _Number = None
    input_cost_per_token: _Number = None
    output_cost_per_token: _Number = None
    cache_read_input_token_cost: _Number = None
    cache_creation_input_token_cost: _Number = None
    mode: str | None = None
    supports_function_calling: bool | None = None
    supports_vision: bool | None = None
    supports_reasoning: bool | None = None


UNKNOWN = ModelFacts()


def read_price_list() -> dict[str, ModelFacts]:
    """Read litellm's list, some 3 MB; empty when it is not where it used to be."""
    try:
        path = Path(str(distribution(_DISTRIBUTION).locate_file(_LIST)))
        return msgspec.json.decode(path.read_bytes(), type=dict[str, ModelFacts])
    except (PackageNotFoundError, OSError, msgspec.MsgspecError):
        return {}


def facts_of(
    model: str, prices: Mapping[str, ModelFacts], given: Mapping[str, Any] | None = None
) -> ModelFacts:
    """Find a model's facts: what `model_info` gives first, then litellm's list.

    Args:
        model: litellm's name, with or without the provider in front.
        prices: The list.
        given: The entry's `model_info`.
    """
    listed = prices.get(model) or prices.get(model.partition("/")[2]) or UNKNOWN
    known = {
        field: value
        for field in ModelFacts.__struct_fields__
        if (value := (given or {}).get(field)) is not None
    }
    return msgspec.structs.replace(listed, **known) if known else listed


def number(value: _Number) -> float:
    """Read a number that may be missing or text."""
    return float(value) if isinstance(value, int | float) else 0.0


def cost_of(usage: Usage, facts: ModelFacts) -> float:
    """Compute what a call cost, in US dollars; 0 where the price is not known."""
    price = number(facts.input_cost_per_token)
    fresh = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
    return (
        fresh * price
        + usage.cached_tokens * _price_or(facts.cache_read_input_token_cost, price)
        + usage.cache_write_tokens * _price_or(facts.cache_creation_input_token_cost, price)
        + usage.output_tokens * number(facts.output_cost_per_token)
    )


def _price_or(given: _Number, usual: float) -> float:
    return usual if given is None else number(given)
