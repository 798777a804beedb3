"""Every condition of ours, as OpenAI's clients are told of it."""

from __future__ import annotations

import msgspec
import pytest

from codelab.auth.errors import SignInThrottled, Unauthenticated
from codelab.kit.errors import CodeLabError, RateLimited
from codelab.llm import errors
from codelab.llm.surface.errors import OpenAIError, error_body, headers_of, status_of

CONDITIONS = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, CodeLabError)
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.__name__)
def test_every_condition_has_a_status_that_clients_know(condition: type[CodeLabError]) -> None:
    error = condition("Something is wrong.")
    status = status_of(error)
    assert 400 <= status < 600
    assert status != 422
    told = msgspec.json.decode(error_body(error), type=OpenAIError).error
    assert (told.message, told.param) == ("Something is wrong.", None)
    assert told.type and told.code
    # Clients repeat 429 and 5xx: only what may get better is left to that.
    assert (headers_of(error).get("x-should-retry") == "false") == (not error.retryable)


@pytest.mark.parametrize(
    ("condition", "status", "code"),
    [
        (errors.ModelUnknown, 404, "model_not_found"),
        (errors.ContextTooLong, 400, "context_length_exceeded"),
        (errors.ModelRefused, 400, "model_refused"),
        (Unauthenticated, 401, "invalid_api_key"),
        (RateLimited, 429, "rate_limit_exceeded"),
        (SignInThrottled, 429, "rate_limit_exceeded"),
    ],
)
def test_what_clients_act_on_has_openai_s_name(
    condition: type[CodeLabError], status: int, code: str
) -> None:
    error = condition("Something is wrong.")
    assert status_of(error) == status
    assert msgspec.json.decode(error_body(error), type=OpenAIError).error.code == code


def test_a_short_wait_is_left_to_the_client_and_a_long_one_is_not() -> None:
    short = headers_of(RateLimited("Wait.", retry_after_s=2.2))
    assert short == {"Retry-After": "3"}
    long = headers_of(RateLimited("Wait.", retry_after_s=3000))
    assert long == {"Retry-After": "3000", "x-should-retry": "false"}
