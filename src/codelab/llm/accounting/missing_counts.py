"""What a provider has not counted is estimated, and said to be."""

from __future__ import annotations

import msgspec

from codelab.llm.accounting.estimates import estimate_usage
from codelab.sdk.model import ModelRequest, Usage


def fill_in(usage: Usage, request: ModelRequest, written: int) -> Usage:
    """Return a provider's count with what it left out estimated; all of it where it sent none.

    Args:
        usage: What the provider counted; 0 is what it has not counted.
        request: What the model was sent.
        written: How much it wrote, as `estimate_usage` takes it.
    """
    if usage.input_tokens and (usage.output_tokens or not written):
        return usage
    guess = estimate_usage(request, written)
    return msgspec.structs.replace(
        usage,
        input_tokens=usage.input_tokens or guess.input_tokens,
        output_tokens=usage.output_tokens or guess.output_tokens,
        estimated=True,
    )
