"""A request's options as its provider wants them: litellm translates them, once for the same ones.

The translation takes litellm some 0.3 ms, and an agent's options, its tools above all, are the
same in every step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

MOST_REMEMBERED = 64
# Stands for options with which the model is asked in another way.
_ELSEWHERE = b""


class Asked(Protocol):
    """What a translation goes by."""

    @property
    def model(self) -> str:
        """The model's name at its provider."""

    @property
    def provider(self) -> str:
        """Litellm's name of the provider."""

    @property
    def api_base(self) -> str | None:
        """The provider's address."""

    @property
    def wire(self) -> str:
        """Whose format the answer has."""


class TranslatedOptions:
    """Remembers the translations of one model; as bytes, since litellm changes what it is given."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    @property
    def size(self) -> int:
        """How many translations are remembered."""
        return len(self._known)

    def translated(
        self,
        litellm: Any,
        asked: Asked,
        options: Mapping[str, Any],
        messages: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any] | None:
        """Translate options; none when with these the provider wants another kind of request."""
        written = msgspec.json.encode(options)
        name = hashlib.blake2b(written, digest_size=16).digest()
        known = self._known.get(name)
        if known is None:
            fresh = _translate(litellm, asked, options, messages)
            try:
                known = _ELSEWHERE if fresh is None else msgspec.json.encode(fresh)
            except TypeError:
                # Something in it is litellm's own and cannot be copied.
                return fresh
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[name] = known
        if known == _ELSEWHERE:
            return None
        copied: dict[str, Any] = msgspec.json.decode(known)
        return copied


def _translate(
    litellm: Any,
    asked: Asked,
    options: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
) -> dict[str, Any] | None:
    if asked.wire == "openai" and _is_for_responses(litellm, asked, options):
        return None
    mapped: dict[str, Any] = litellm.utils.get_optional_params(
        model=asked.model,
        custom_llm_provider=asked.provider,
        messages=messages,
        drop_params=True,
        **options,
    )
    return mapped


def _is_for_responses(litellm: Any, asked: Asked, options: Mapping[str, Any]) -> bool:
    # Of a model of Ollama's this would ask Ollama itself, and let the whole server wait for that.
    bridge, _ = litellm.main.responses_api_bridge_check(
        model=asked.model,
        custom_llm_provider=asked.provider,
        tools=options.get("tools"),
        reasoning_effort=options.get("reasoning_effort"),
        api_base=asked.api_base,
    )
    return bridge.get("mode") not in (None, "chat")
