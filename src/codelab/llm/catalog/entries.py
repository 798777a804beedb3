"""The catalogue: which models there are, which one serves what, and what follows when one fails."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from codelab.llm.answer_limits import limit_of
from codelab.llm.catalog.prices import ModelFacts, facts_of, number
from codelab.llm.errors import ModelUnknown
from codelab.sdk.agent import ModelRole
from codelab.sdk.model import ModelClient, ModelInfo, ModelProvider

_FROM_ENVIRONMENT = "os.environ/"
_SECRET_FIELD = re.compile(r"key|token(?!s)|secret|password|credential|header", re.IGNORECASE)

# What litellm's list says of each name is not at hand when the catalogue is put together.
_EMBEDDING_NAME = re.compile(r"embed|minilm|\b(?:bge|e5|gte|uae)-|\bvoyage[-/]", re.IGNORECASE)
EMBEDDING: Mapping[str, Any] = {"mode": "embedding"}


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

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Hidden) else NotImplemented

    def __hash__(self) -> int:
        # What is equal must hash alike, and a value may be a map, which has no hash.
        return hash(Hidden)

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

    @property
    def is_embedding(self) -> bool:
        """Whether it turns texts into vectors, as `model_info` or its name says."""
        mode = self.info.get("mode")
        return mode == "embedding" if mode else is_embedding_name(self.model)

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
        agents: An agent's own model by the agent's name, and those that follow when it fails.
        roles: A role's model.
        chains: What follows when a model fails, by name.
        fallbacks: What follows when a model fails that has no chain of its own.
        default: The model for whatever has none; the first entry when empty.
        aliases: Further names of models; none leads to another alias.
        retired: Models that are no longer offered, for requests that already name them.
        wildcards: Entries that each stand for whatever an Ollama has.
        origins: Where the file names a model, such as `models.yaml, line 3`, by the model's name.
    """

    entries: Mapping[str, ModelEntry] = {}
    agents: Mapping[str, tuple[str, ...]] = {}
    roles: Mapping[ModelRole, str] = {}
    chains: Mapping[str, tuple[str, ...]] = {}
    fallbacks: tuple[str, ...] = ()
    default: str = ""
    aliases: Mapping[str, str] = {}
    retired: Mapping[str, ModelEntry] = {}
    wildcards: tuple[ModelEntry, ...] = ()
    origins: Mapping[str, str] = {}

    def entry(self, name: str, *, retired: bool = True) -> ModelEntry:
        """Return a model, by its own name or an alias.

        Args:
            name: The name.
            retired: Whether one that is no longer offered will do.

        Raises:
            ModelUnknown: There is none of this name.
        """
        found = self.find(name)
        if found is None or not (retired or found.name in self.entries):
            known = ", ".join(self.entries) or "none"
            raise ModelUnknown(f"There is no model named {name!r}. Models: {known}.", field="model")
        return found

    def find(self, name: str) -> ModelEntry | None:
        """Return a model, or nothing if there is none of this name."""
        name = self.aliases.get(name, name)
        return self.entries.get(name) or self.retired.get(name)

    def choose(self, role: ModelRole, agent: str | None = None) -> str:
        """Choose the model for a role, or for the agent if it has one of its own."""
        own = self.agents.get(agent or "")
        return own[0] if own else self.roles.get(role) or self.default or self._first()

    def chain(self, name: str, agent: str | None = None) -> tuple[str, ...]:
        """Return the model and those that follow when it fails, in order, each once.

        Args:
            name: The model that is asked first, or an alias of it.
            agent: Who asks; an agent's own chain goes before those of models.
        """
        name = self.aliases.get(name, name)
        own = self.agents.get(agent or "", ())
        # A model that a user has chosen instead is followed by those of its own chain.
        has_own = len(own) > 1 and name in own
        following = own[own.index(name) :] if has_own else self.chains.get(name, self.fallbacks)
        return tuple(dict.fromkeys((name, *following)))

    def _first(self) -> str:
        return next((e.name for e in self.entries.values() if not e.is_embedding), "") or next(
            iter(self.entries)
        )

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

    def following(self, before: Catalogue) -> Catalogue:
        """Return the catalogue as the one that takes another's place.

        An entry that did not change stays the same object, so that what was worked out for it
        holds. What is gone stays within reach of turns that run.
        """
        entries = {
            name: before.entries[name] if before.entries.get(name) == entry else entry
            for name, entry in self.entries.items()
        }
        retired = {**before.retired, **before.entries}
        gone = {name: entry for name, entry in retired.items() if name not in entries}
        return msgspec.structs.replace(self, entries=entries, retired=gone)

    def offered(self, prices: Mapping[str, ModelFacts]) -> Iterator[ModelInfo]:
        """Describe every model to users."""
        for entry in self.entries.values():
            yield entry.offered or describe(entry, facts_of(entry.model, prices, entry.info))


def is_embedding_name(name: str) -> bool:
    """Tell from its name whether a model turns texts into vectors."""
    return bool(_EMBEDDING_NAME.search(name))


def describe(entry: ModelEntry, facts: ModelFacts) -> ModelInfo:
    """Describe a model by what is known of it."""
    defaults = ModelInfo(name=entry.name, provider=entry.provider)
    window = number(facts.max_input_tokens) or number(facts.max_tokens)
    answer = int(number(facts.max_output_tokens) or number(facts.max_tokens))
    answer = answer or defaults.max_output_tokens
    return msgspec.structs.replace(
        defaults,
        context_tokens=int(window) or defaults.context_tokens,
        max_output_tokens=min(answer, limit_of(entry.resolved()) or answer),
        description=str(entry.info.get("description", "")),
        kind="embedding" if entry.is_embedding or facts.mode == "embedding" else "chat",
        # The list leaves out what it does not know; an agent's model is taken to have tools.
        tools=facts.supports_function_calling is not False,
        images=bool(facts.supports_vision),
        reasoning=bool(facts.supports_reasoning),
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
