"""The settings of the model layer."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codelab.llm.accounting.caps import Caps
from codelab.llm.circuit import CircuitPolicy
from codelab.llm.fallback import RetryPolicy
from codelab.llm.providers.addresses import NOTHING, Allowed
from codelab.llm.time_limits import TimeLimits


class LlmSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the model layer.

    Args:
        models_file: The path of `models.yaml`; without one models are found by themselves.
        models_file_optional: Whether the file may be missing, and may come and go.
        time_limits: How long models may take.
        requests_per_hour: Calls per user and hour.
        discover: Whether to look for models when there is no models file.
        search_every_s: How often an Ollama is asked what it has.
        preload: Whether to load litellm after the start, not when a call first needs it.
        retry: How patient to be with a model that fails.
        circuit: How soon a model that fails is given a rest, and for how long.
        caps: What models may cost.
        allowed: Which inner addresses models may have that are added while the server runs.
    """

    models_file: Path | None = None
    models_file_optional: bool = False
    time_limits: TimeLimits = TimeLimits()
    requests_per_hour: int = 100
    discover: bool = True
    search_every_s: float = 60.0
    preload: bool = True
    retry: RetryPolicy = RetryPolicy()
    circuit: CircuitPolicy = CircuitPolicy()
    caps: Caps = Caps()
    allowed: Allowed = NOTHING
