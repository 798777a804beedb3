"""Counts that a provider leaves out."""

from __future__ import annotations

import pytest

from codelab.llm.accounting.missing_counts import fill_in
from codelab.sdk.messages import UserMessage
from codelab.sdk.model import ModelRequest, Usage

REQUEST = ModelRequest(model="m", messages=(UserMessage(text="word " * 40),))


@pytest.mark.parametrize(
    ("counted", "written", "estimated"),
    [
        (Usage(input_tokens=7, output_tokens=3), 400, False),
        # A model may well have nothing to say.
        (Usage(input_tokens=7), 0, False),
        (Usage(input_tokens=7), 400, True),
        (Usage(output_tokens=3), 400, True),
        (Usage(), 400, True),
    ],
)
def test_what_is_missing_is_estimated_and_nothing_else(
    counted: Usage, written: int, estimated: bool
) -> None:
    usage = fill_in(counted, REQUEST, written)
    assert usage.estimated is estimated
    assert usage.input_tokens > 0
    assert bool(usage.output_tokens) is bool(written)
    if counted.input_tokens:
        assert usage.input_tokens == counted.input_tokens
    if counted.output_tokens:
        assert usage.output_tokens == counted.output_tokens
