"""Which providers' own wires we read besides OpenAI's, and what litellm adds to their calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

# litellm's name of a provider, and ours of its wire.
NATIVE: Mapping[str, str] = {"anthropic": "anthropic", "ollama_chat": "ollama"}
_BASE_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    "anthropic": ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    "ollama_chat": ("OLLAMA_API_BASE",),
}
_MESSAGES = "/v1/messages"
# Where litellm notes that it had to rename tools.
_RENAMED = "_anthropic_tool_name_map"


def home_of(provider: str) -> str:
    """Return the address that the environment names for a provider, if it does."""
    names = _BASE_VARIABLES.get(provider, ())
    return next((value for name in names if (value := os.environ.get(name))), "")


def native_config(litellm: Any, model: str, provider: str) -> Any:
    """Return litellm's translation for a provider whose own wire we read."""
    if provider not in NATIVE:
        return None
    known = litellm.types.utils.LlmProviders(provider)
    return litellm.utils.ProviderConfigManager.get_provider_chat_config(model, known)


def complete_url(url: str, wire: str) -> str:
    """Add what litellm adds to Anthropic's address only while it makes a call."""
    if wire != "anthropic" or url.endswith(_MESSAGES):
        return url
    return url.rstrip("/") + _MESSAGES


def fit_options(mapped: dict[str, Any]) -> None:
    """Take out what Anthropic refuses together with thinking, and litellm leaves in."""
    thinking = mapped.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        mapped.pop("temperature", None)


def needs_translation_back(mapped: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Tell whether litellm changed a request so that only it can read the answer.

    Args:
        mapped: The options as the provider gets them.
        about: What litellm noted while it translated.
    """
    return bool(mapped.get("json_mode") or about.get(_RENAMED))


def once_each(headers: Mapping[str, str]) -> dict[str, str]:
    """Return each header once, the last of its name: litellm writes some names in lower case."""
    last = {name.lower(): (name, value) for name, value in headers.items()}
    return dict(last.values())
