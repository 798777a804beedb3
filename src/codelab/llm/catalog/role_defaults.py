"""Which model suits which role when nobody has said so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from codelab.llm.catalog.entries import ModelEntry
from codelab.sdk.agent import ModelRole

_STRONG, _BALANCED, _FAST = 0, 1, 2
_BREAK = re.compile(r"[^a-z0-9]+")
_TIERS = {
    ModelRole.REASONING: (_STRONG, _BALANCED, _FAST),
    ModelRole.CODING: (_STRONG, _BALANCED, _FAST),
    ModelRole.BALANCED: (_BALANCED, _STRONG, _FAST),
    ModelRole.FAST: (_FAST, _BALANCED, _STRONG),
}

# Strong, balanced and fast models of each provider, the newest first. All are in litellm's list.
PREFERRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "anthropic": (
        ("claude-opus-5-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5", "claude-sonnet-4-6"),
        ("claude-haiku-5-5", "claude-haiku-4-5"),
    ),
    "openai": (
        ("gpt-6.1-sol", "gpt-6-sol", "gpt-5.6", "gpt-5.5", "gpt-5.2", "gpt-5.1", "gpt-5"),
        ("gpt-6-sol", "gpt-5.6-terra", "gpt-5.4", "gpt-5.1", "gpt-5", "gpt-4.1"),
        ("gpt-6-luna", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-5-mini", "gpt-4.1-mini"),
    ),
}
# Words in a model's name that give its size away, for models of other providers.
_WORDS = (
    {"opus", "pro", "large", "max", "reasoner", "r1", "coder", "405b", "120b", "72b", "70b"},
    {"sonnet", "medium", "chat", "32b", "30b", "27b", "24b", "20b"},
    {"haiku", "mini", "nano", "flash", "small", "lite", "luna", "fast", "8b", "7b", "4b", "3b"},
)


def pick(provider: str, available: Iterable[str] | None) -> dict[ModelRole, str]:
    """Pick a provider's model for each role.

    Args:
        provider: `openai` or `anthropic`.
        available: What the provider says it has; none when it has not been asked.
    """
    existing = None if available is None else set(available)
    best = [
        next((name for name in tier if existing is None or name in existing), None)
        for tier in PREFERRED[provider]
    ]
    chosen: dict[ModelRole, str] = {}
    for role, tiers in _TIERS.items():
        name = next((found for tier in tiers if (found := best[tier])), None)
        if name:
            chosen[role] = name
    return chosen


def roles_by_strength(entries: Iterable[ModelEntry]) -> dict[ModelRole, str]:
    """Choose among entries by what their names say; the first entry where they say nothing."""
    ranked = [(entry.name, _tier(entry.model)) for entry in entries if not entry.is_embedding]
    if not ranked:
        return {}
    chosen: dict[ModelRole, str] = {}
    for role, tiers in _TIERS.items():
        chosen[role] = next((name for name, rank in ranked if rank == tiers[0]), ranked[0][0])
    return chosen


def _tier(model: str) -> int | None:
    provider, _, name = model.lower().partition("/")
    for tier, names in enumerate(PREFERRED.get(provider, ())):
        if name in names:
            return tier
    # A small model of a strong family is a small one, so the last tier is asked first.
    words = set(_BREAK.split(name))
    return next((tier for tier in (_FAST, _BALANCED, _STRONG) if words & _WORDS[tier]), None)
