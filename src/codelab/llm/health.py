"""Whether models can be asked, and what to set when something is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from codelab.llm.catalog.entries import ModelEntry
from codelab.sdk.model import ModelProvider

ADVICE = (
    "No model is configured. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, start Ollama on this "
    "machine, or name models in a models.yaml (in the data folder, or CODELAB_MODELS_FILE)."
)


class ModelsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Whether models can be asked.

    Args:
        configured: Whether there is any.
        models: Their names.
        advice: What to set when there is none, or what an entry lacks.
    """

    configured: bool
    models: tuple[str, ...]
    advice: str = ""


def health_of(
    entries: Mapping[str, ModelEntry], providers: Iterable[ModelProvider], complaint: str = ""
) -> ModelsHealth:
    """Tell whether models can be asked, without asking one.

    Args:
        entries: The catalogue's.
        providers: Models that plugins bring.
        complaint: Why the models file as it is now is not used.
    """
    lacking = [
        f"{entry.name} needs {' and '.join(missing)}."
        for entry in entries.values()
        if (missing := entry.missing_variables())
    ]
    lacking += [provider.advice for provider in providers if provider.advice]
    if complaint:
        lacking.insert(0, f"{complaint} Until then the models from before stay in use.")
    advice = " ".join(lacking) if entries or complaint else ADVICE
    return ModelsHealth(configured=bool(entries), models=tuple(entries), advice=advice)
