"""The catalogue as administrators read it: each model with its prices, and who asks which."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from codelab.llm.catalog.entries import Catalogue, ModelEntry
from codelab.llm.catalog.prices import ModelFacts, number
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import ModelInfo

_MILLION = 1_000_000


class ModelLine(msgspec.Struct, frozen=True, kw_only=True):
    """A model with what administrators want to know of it.

    Args:
        info: The model as users see it.
        model: litellm's name; empty for a plugin's model.
        input_price: US dollars for a million tokens that it reads; none where it is not known.
        output_price: The same for those that it writes.
        aliases: Its further names.
        origin: Where it comes from.
    """

    info: ModelInfo
    model: str
    input_price: float | None
    output_price: float | None
    aliases: tuple[str, ...]
    origin: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All models, and the chain of each role and of each agent that has one of its own."""

    models: tuple[ModelLine, ...]
    roles: Mapping[str, tuple[str, ...]]
    agents: Mapping[str, tuple[str, ...]]


def overview(
    catalogue: Catalogue,
    info_of: Callable[[str], ModelInfo],
    facts_of: Callable[[str], ModelFacts],
) -> Overview:
    """Describe the catalogue."""
    entries = catalogue.entries
    return Overview(
        models=tuple(
            ModelLine(
                info=info_of(name),
                model=entry.model,
                input_price=_for_a_million(facts_of(name).input_cost_per_token),
                output_price=_for_a_million(facts_of(name).output_cost_per_token),
                aliases=tuple(a for a, target in catalogue.aliases.items() if target == name),
                origin=_origin(entry, catalogue.origins),
            )
            for name, entry in entries.items()
        ),
        roles={
            role.value: catalogue.chain(catalogue.choose(role)) for role in ModelRole if entries
        },
        agents={agent: catalogue.chain(own[0], agent) for agent, own in catalogue.agents.items()},
    )


def _for_a_million(price: float | str | None) -> float | None:
    return None if price is None else number(price) * _MILLION


def _origin(entry: ModelEntry, origins: Mapping[str, str]) -> str:
    if entry.client is not None:
        return "a plugin"
    first, _, place = entry.name.rpartition("#")
    return origins.get(entry.name) or origins.get(first if place else "") or "found"
