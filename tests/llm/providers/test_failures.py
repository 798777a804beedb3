"""What providers say, and the condition that it means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.llm.providers.failures import (
    ProviderFailure,
    condition_of,
    read_failure,
    read_retry_after,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
KEY = "my-own-gateway-key-0123456789"


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (401, "", "model_auth_failed"),
        (403, "", "model_auth_failed"),
        (400, "API key not valid. Please pass a valid API key.", "model_auth_failed"),
        (402, "", "model_quota_exhausted"),
        (429, "You exceeded your current quota: insufficient_quota", "model_quota_exhausted"),
        (400, "Your credit balance is too low", "model_quota_exhausted"),
        (429, "slow down", "model_rate_limited"),
        (404, "", "model_missing"),
        (400, "maximum context length is 8192 tokens", "context_too_long"),
        (400, "prompt is too long: 9 tokens > 8 maximum", "context_too_long"),
        (413, "", "context_too_long"),
        (422, "tools.0: unsupported", "model_refused"),
        (408, "", "model_failed"),
        (500, "the context window burst", "model_failed"),
        (529, "Overloaded", "model_failed"),
    ],
)
def test_each_refusal_means_one_condition(status: int, message: str, code: str) -> None:
    assert condition_of(ProviderFailure(status=status, message=message), "m").code == code


LOUD = ("api key", "billing", "credit balance", "model x does not exist", "x' api_key 'y")


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("value", LOUD)
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Invalid value: '{}'.", "code": None}},
        {"error": {"message": 'Bad role: "{}"; expected "user"', "type": "invalid_request_error"}},
        {"error": {"message": "Cut off: `{} and so on"}},
        {"error": {"message": "Value {} is no role.", "code": "invalid_value"}},
        {
            "error": {
                "message": "Value {} is no role.",
                "type": "invalid_request_error",
                "param": "messages[0].role",
            }
        },
        {"detail": [{"msg": "Not a role", "input": "{}"}]},
    ],
)
def test_what_a_user_wrote_is_not_taken_for_the_provider_s_word(
    status: int, value: str, body: Any
) -> None:
    raw = msgspec.json.encode(body).replace(b"{}", value.encode())
    assert condition_of(read_failure(status, {}, raw, NOW), "m").code == "model_refused"


def test_a_refusal_that_names_the_model_s_field_still_means_the_model() -> None:
    error = {"message": "The model `m` does not exist", "param": "model"}
    raw = msgspec.json.encode({"error": error | {"type": "invalid_request_error"}})
    assert condition_of(read_failure(400, {}, raw, NOW), "m").code == "model_missing"


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"No.","type":"t","code":null}}', "No.", "t"),
        (b'{"error":{"message":"No.","code":"c"}}', "No.", "c"),
        (b'{"error":"No."}', "No.", ""),
        (b'{"detail":"No."}', "No.", ""),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>", ""),
        (b"\xff\xfe", "\ufffd\ufffd", ""),
        (b"[1]", "[1]", ""),
    ],
)
def test_an_error_is_read_in_any_form(body: bytes, message: str, code: str) -> None:
    failure = read_failure(400, {}, body, NOW)
    assert (failure.status, failure.message, failure.code) == (400, message, code)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sat, 31 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 31 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, 0),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW) == seconds


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from([400, 401, 422, 429, 500]))
def test_a_key_is_never_quoted(before: str, after: str, status: int) -> None:
    message = f"{before}{KEY}{after} and sk-proj-abcdefghijklmnop or https://me:word@host/"
    condition: Any = condition_of(ProviderFailure(status=status, message=message), "m", [KEY])
    assert KEY not in condition.message
    assert "abcdefghijklmnop" not in condition.message
    assert "me:word" not in condition.message
    assert len(condition.message) < 700


def test_what_the_provider_says_of_a_bad_request_is_quoted() -> None:
    failure = ProviderFailure(status=400, message="tools.0.name: too long\n")
    assert condition_of(failure, "m").message.endswith("(status 400): tools.0.name: too long.")
