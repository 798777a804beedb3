"""The catalogue: which models there are, which one serves what, and what follows when one fails."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from codelab.llm.catalog.prices import ModelFacts, facts_of, number
from codelab.llm.errors import ModelUnknown
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import ModelClient, ModelInfo, ModelProvider

_FROM_ENVIRONMENT = "os.environ/"
_SECRET_FIELD = re.compile(r"key|token(?!s)|secret|password|credential|header", re.IGNORECASE)


class Hidden:
    """A value that is looked up when it is used and never shows itself.

    Args:
        value: The value, or `os.environ/NAME`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    @property
    def variable(self) -> str | None:
        """The name of the environment variable that holds the value, if one does."""
        value = self._value
        if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
            return value.removeprefix(_FROM_ENVIRONMENT)
        return None

    def resolve(self) -> Any:
        """Return the value as it is now; nothing when its variable is not set."""
        variable = self.variable
        return self._value if variable is None else os.environ.get(variable) or None

    def __repr__(self) -> str:
        variable = self.variable
        return "[secret]" if variable is None else f"{_FROM_ENVIRONMENT}{variable}"


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the catalogue.

    Args:
        name: The name in the catalogue.
        model: litellm's name, such as `anthropic/claude-sonnet-5`; empty for a plugin's model.
        params: What else litellm is told; values that are or may be secret are `Hidden`.
        info: The entry's `model_info`.
        offered: How a plugin describes its model.
        client: A plugin's own client.
        guarded: Whether its own address was given at run time, and is checked with each connection.
    """

    name: str
    model: str = ""
    params: Mapping[str, Any] = {}
    info: Mapping[str, Any] = {}
    offered: ModelInfo | None = None
    client: ModelClient | None = None
    guarded: bool = False

    @property
    def provider(self) -> str:
        """Who runs the model."""
        if self.offered:
            return self.offered.provider
        return self.model.partition("/")[0] if "/" in self.model else "openai"

    def resolved(self) -> dict[str, Any]:
        """Return the parameters with their secrets, for one call."""
        return {
            name: value.resolve() if isinstance(value, Hidden) else value
            for name, value in self.params.items()
        }

    def missing_variables(self) -> tuple[str, ...]:
        """Name the environment variables that the entry needs and that are not set."""
        hidden = [value for value in self.params.values() if isinstance(value, Hidden)]
        return tuple(
            value.variable for value in hidden if value.variable and value.resolve() is None
        )


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All models and who uses which.

    Args:
        entries: The models by name, in order of preference.
        agents: An agent's model by the agent's name.
        roles: A role's model.
        chains: What follows when a model fails, by name.
        fallbacks: What follows when a model fails that has no chain of its own.
        default: The model for whatever has none; the first entry when empty.
        retired: Models that are no longer offered, for requests that already name them.
    """

    entries: Mapping[str, ModelEntry] = {}
    agents: Mapping[str, str] = {}
    roles: Mapping[ModelRole, str] = {}
    chains: Mapping[str, tuple[str, ...]] = {}
    fallbacks: tuple[str, ...] = ()
    default: str = ""
    retired: Mapping[str, ModelEntry] = {}

    def entry(self, name: str) -> ModelEntry:
        """Return a model.

        Raises:
            ModelUnknown: There is none of this name.
        """
        found = self.find(name)
        if found is None:
            known = ", ".join(self.entries) or "none"
            raise ModelUnknown(f"There is no model named {name!r}. Models: {known}.", field="model")
        return found

    def find(self, name: str) -> ModelEntry | None:
        """Return a model, or nothing if there is none of this name."""
        return self.entries.get(name) or self.retired.get(name)

    def choose(self, role: ModelRole, agent: str | None = None) -> str:
        """Choose the model for a role, or for the agent if it has one of its own."""
        own = self.agents.get(agent or "")
        return own or self.roles.get(role) or self.default or next(iter(self.entries))

    def chain(self, name: str) -> tuple[str, ...]:
        """Return the model and those that follow when it fails, in order, each once."""
        following = self.chains.get(name, self.fallbacks)
        return tuple(dict.fromkeys((name, *following)))

    def with_added(self, added: Mapping[str, ModelEntry]) -> Catalogue:
        """Return the catalogue with the models that were added at run time after its own."""
        return msgspec.structs.replace(self, entries={**self.entries, **added, **self.entries})

    def with_providers(self, providers: Iterable[ModelProvider]) -> Catalogue:
        """Return the catalogue with the models of plugins after its own."""
        entries = dict(self.entries)
        for provider in providers:
            for model in provider.models:
                entry = ModelEntry(name=model.name, offered=model, client=provider.client)
                entries.setdefault(model.name, entry)
        return msgspec.structs.replace(self, entries=entries)

    def offered(self, prices: Mapping[str, ModelFacts]) -> Iterator[ModelInfo]:
        """Describe every model to users."""
        for entry in self.entries.values():
            yield entry.offered or describe(entry, facts_of(entry.model, prices, entry.info))


def describe(entry: ModelEntry, facts: ModelFacts) -> ModelInfo:
    """Describe a model by what is known of it."""
    defaults = ModelInfo(name=entry.name, provider=entry.provider)
    window = number(facts.max_input_tokens) or number(facts.max_tokens)
    answer = number(facts.max_output_tokens) or number(facts.max_tokens)
    return msgspec.structs.replace(
        defaults,
        context_tokens=int(window) or defaults.context_tokens,
        max_output_tokens=int(answer) or defaults.max_output_tokens,
        description=str(entry.info.get("description", "")),
        kind="embedding" if facts.mode == "embedding" else "chat",
    )


def hide(params: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap what is, or may be, a secret."""
    return {
        name: Hidden(value) if _is_secret(name, value) else value for name, value in params.items()
    }


def _is_secret(name: str, value: Any) -> bool:
    if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
        return True
    return isinstance(value, str | dict) and bool(_SECRET_FIELD.search(name))
