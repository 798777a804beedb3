"""What a prompt may take of a model's window, and how that is shared. Pure."""

from __future__ import annotations

import msgspec

from codelab.sdk.model import ModelInfo
from codelab.sessions.events import ContextParts

# Compaction begins above the first share of the budget and ends below the second.
_BEGIN, _END = 0.9, 0.7
_KEPT_TOKENS = 20_000
_SUMMARY_TOKENS = 2_000
_FORCED = 0.6


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a prompt is compacted, and how far; all in tokens.

    Args:
        budget: What the prompt may take at all.
        begin: Above this it is compacted.
        end: To this it is brought down.
        kept: So much of the newest part is left as it is.
        summary: So much a summary may take.
    """

    budget: int
    begin: int
    end: int
    kept: int
    summary: int


def prompt_window(model: ModelInfo, limit: int) -> int:
    """Return how many tokens a prompt may take so that the model has room for its answer."""
    return min(limit, model.context_tokens - answer_tokens(model))


def answer_tokens(model: ModelInfo) -> int:
    """Return how many tokens of the window are left to the answer."""
    # Where a model may answer at any length, a quarter of its window is enough for one step.
    return min(model.max_output_tokens, model.context_tokens // 4)


def limits_of(budget: int, fixed: int) -> Limits:
    """Return the limits of a prompt.

    Args:
        budget: What it may take.
        fixed: What its instructions and tools take.
    """
    free = max(0, budget - fixed)
    return Limits(
        budget=budget,
        begin=int(budget * _BEGIN),
        end=int(budget * _END),
        kept=min(_KEPT_TOKENS, free // 2),
        summary=min(_SUMMARY_TOKENS, free // 10),
    )


def tightened(limits: Limits, used: int, fixed: int) -> Limits:
    """Return limits that make a prompt shorter which takes `used` tokens, whatever fits."""
    budget = min(limits.budget, used)
    end = min(limits.end, fixed + int(max(0, used - fixed) * _FORCED))
    free = max(0, end - fixed)
    return Limits(
        budget=budget,
        begin=end,
        end=end,
        kept=min(limits.kept, free // 2),
        summary=min(limits.summary, free // 10),
    )


def used_tokens(parts: ContextParts) -> int:
    """Return what the prompt takes, without the answer."""
    return parts.system + parts.tools + parts.history + parts.attachments
