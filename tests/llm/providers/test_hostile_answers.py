"""Answers that are made to do harm cost little, and become conditions of ours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codelab.llm.errors import ContextTooLong, ModelFailed
from codelab.llm.providers.assembly import ToolCallAssembler
from codelab.llm.providers.failures import (
    ProviderFailure,
    condition_of,
    read_error,
    read_retry_after,
    wait_in_text,
)
from codelab.llm.providers.sse import SseDecoder
from codelab.llm.providers.wire_chunks import FunctionPiece, ToolCallPiece

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_calls_without_number_are_bounded() -> None:
    calls = ToolCallAssembler()
    for number in range(512):
        calls.add(ToolCallPiece(id=f"call_number_{number}", function=FunctionPiece(name="look")))
    with pytest.raises(ModelFailed, match="more tools at once"):
        calls.add(ToolCallPiece(id="call_one_more", function=FunctionPiece(name="look")))


def test_a_refusal_full_of_digits_is_read() -> None:
    failure = ProviderFailure(status=413, message="maximum context length is " + "9" * 1_000_000)
    assert isinstance(condition_of(failure, "m"), ContextTooLong)


def test_an_event_in_single_bytes_comes_out_whole() -> None:
    out: list[bytes] = []
    decoder = SseDecoder(out.append)
    text = b"x" * 1_000_000
    for byte in b"data: " + text + b"\n\n":
        decoder.feed(bytes([byte]))
    assert out == [text]


@pytest.mark.parametrize("value", ["inf", "nan", "86401", "1e400"])
def test_no_wait_is_believed_that_cannot_be(value: str) -> None:
    assert read_retry_after({"retry-after": value}, NOW) is None


def test_no_wait_of_thousands_of_digits_is_read() -> None:
    assert wait_in_text("try again in " + "9" * 10_000 + "s") is None


@pytest.mark.parametrize("body", [b'{"error": "\xff"}', b"[" * 100_000])
def test_an_error_that_cannot_be_decoded_is_text(body: bytes) -> None:
    assert read_error(body).status == 500
