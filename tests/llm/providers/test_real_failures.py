"""What providers really answer when they fail, and what becomes of it.

The texts are what each documents, or what its users have reported.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from codelab.llm.errors import ContextTooLong, ModelError
from codelab.llm.providers.failures import (
    condition_of,
    failure_of_error,
    read_failure,
    wait_in_text,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> Any:
    """OpenAI's document, which most others imitate."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(code: int, status: str, message: str) -> Any:
    return [{"error": {"code": code, "message": message, "status": status}}]


REAL: list[tuple[str, int, Any, str]] = [
    (
        "OpenAI, wrong key",
        401,
        openai(
            "Incorrect API key provided: sk-no***. You can find your API key", "invalid_api_key"
        ),
        "model_auth_failed",
    ),
    (
        "OpenAI, no credit",
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        "model_quota_exhausted",
    ),
    (
        "OpenAI, too many tokens a minute",
        429,
        openai(
            "Rate limit reached for gpt-4 in organization org-x on tokens per min (TPM): Limit "
            "10000, Used 8554, Requested 3082. Please try again in 9.816s.",
            "rate_limit_exceeded",
            "tokens",
        ),
        "model_rate_limited",
    ),
    (
        "OpenAI, more than a minute's tokens",
        429,
        openai(
            "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit "
            "30000, Requested 30601. The input or output tokens must be reduced in order to run "
            "successfully.",
            "rate_limit_exceeded",
            "tokens",
        ),
        "context_too_long",
    ),
    (
        "OpenAI, unknown model",
        404,
        openai(
            "The model `gpt-9` does not exist or you do not have access to it.", "model_not_found"
        ),
        "model_missing",
    ),
    (
        "OpenAI, unsupported parameter",
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "unsupported_parameter",
        ),
        "model_refused",
    ),
    (
        "OpenAI, filter",
        400,
        openai(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            "invalid_prompt",
        ),
        "model_filtered",
    ),
    (
        "OpenAI, overload",
        503,
        openai("The engine is currently overloaded, please try again later", None, "server_error"),
        "model_failed",
    ),
    (
        "Anthropic, wrong key",
        401,
        anthropic("authentication_error", "invalid x-api-key"),
        "model_auth_failed",
    ),
    (
        "Anthropic, no credit",
        400,
        anthropic(
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
            "Billing to upgrade or purchase credits.",
        ),
        "model_quota_exhausted",
    ),
    ("Anthropic, billing", 402, anthropic("billing_error", "x"), "model_quota_exhausted"),
    (
        "Anthropic, rate limit",
        429,
        anthropic(
            "rate_limit_error",
            "This request would exceed your organization's rate limit of 40,000 input tokens per "
            "minute.",
        ),
        "model_rate_limited",
    ),
    ("Anthropic, overload", 529, anthropic("overloaded_error", "Overloaded"), "model_failed"),
    (
        "Anthropic, too large",
        413,
        anthropic("request_too_large", "Request exceeds the maximum size"),
        "context_too_long",
    ),
    (
        "Anthropic, unknown model",
        404,
        anthropic("not_found_error", "model: claude-9"),
        "model_missing",
    ),
    (
        "Anthropic, filter",
        400,
        anthropic("invalid_request_error", "Output blocked by content filtering policy"),
        "model_filtered",
    ),
    (
        "Ollama, unknown model",
        404,
        {"error": 'model "qwen9" not found, try pulling it first'},
        "model_missing",
    ),
    (
        "Ollama, no tools",
        400,
        {"error": "registry.ollama.ai/library/deepseek-r1:7b does not support tools"},
        "model_refused",
    ),
    (
        "Ollama, busy",
        503,
        {"error": "server busy, please try again. maximum pending requests exceeded"},
        "model_failed",
    ),
    (
        "Ollama, memory",
        500,
        {"error": "model requires more system memory (5.6 GiB) than is available (3.2 GiB)"},
        "model_failed",
    ),
    ("vLLM, wrong key", 401, {"error": "Unauthorized"}, "model_auth_failed"),
    (
        "vLLM, unknown model",
        404,
        {"object": "error", "message": "The model `x` does not exist.", "code": 404},
        "model_missing",
    ),
    (
        "vLLM, no tools",
        400,
        {
            "object": "error",
            "message": '"auto" tool choice requires --enable-auto-tool-choice and '
            "--tool-call-parser to be set",
            "type": "BadRequestError",
            "code": 400,
        },
        "model_refused",
    ),
    (
        "Azure, wrong key",
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}},
        "model_auth_failed",
    ),
    (
        "Azure, rate limit",
        429,
        {
            "error": {
                "code": "429",
                "message": "Requests to the ChatCompletions_Create Operation under Azure OpenAI "
                "API version 2024-08-01-preview have exceeded token rate limit of your current "
                "OpenAI S0 pricing tier. Please retry after 14 seconds.",
            }
        },
        "model_rate_limited",
    ),
    (
        "Azure, filter",
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's "
                "content management policy. Please modify your prompt and retry.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
            }
        },
        "model_filtered",
    ),
    (
        "Azure, unknown deployment",
        404,
        {
            "error": {
                "code": "DeploymentNotFound",
                "message": "The API deployment for this resource does not exist.",
            }
        },
        "model_missing",
    ),
    (
        "Bedrock, wrong key",
        403,
        {"message": "The security token included in the request is invalid."},
        "model_auth_failed",
    ),
    (
        "Bedrock, rate limit",
        429,
        {"message": "Too many tokens, please wait before trying again."},
        "model_rate_limited",
    ),
    (
        "Bedrock, unknown model",
        400,
        {"message": "The provided model identifier is invalid."},
        "model_missing",
    ),
    (
        "Bedrock, no tools",
        400,
        {"message": "This model doesn't support tool use."},
        "model_refused",
    ),
    (
        "Bedrock, too long an answer",
        400,
        {"message": "The maximum tokens you requested exceeds the model limit of 32768"},
        "model_refused",
    ),
    (
        "Bedrock, too long",
        400,
        {"message": "Input is too long for requested model."},
        "context_too_long",
    ),
    (
        "Gemini, wrong key",
        400,
        google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        "model_auth_failed",
    ),
    (
        "Gemini, rate limit",
        429,
        google(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.\n"
            "* Quota exceeded for metric: generate_content_free_tier_requests, limit: 15\n"
            "Please retry in 45.578569677s.",
        ),
        "model_rate_limited",
    ),
    (
        "Gemini, overload",
        503,
        google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        "model_failed",
    ),
    (
        "Gemini, unknown model",
        404,
        google(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta"),
        "model_missing",
    ),
    (
        "OpenRouter, no credit",
        402,
        {"error": {"message": "Insufficient credits. Add more.", "code": 402}},
        "model_quota_exhausted",
    ),
    (
        "OpenRouter, no tools",
        404,
        {"error": {"message": "No endpoints found that support tool use.", "code": 404}},
        "model_refused",
    ),
    (
        "OpenRouter, rate limit",
        429,
        {"error": {"message": "Provider returned error", "code": 429}},
        "model_rate_limited",
    ),
    (
        "OpenRouter, unknown model",
        400,
        {"error": {"message": "acme/nine is not a valid model ID", "code": 400}},
        "model_missing",
    ),
    (
        "DeepSeek, wrong key",
        401,
        openai("Authentication Fails, Your api key: ****real is invalid", "invalid_request_error"),
        "model_auth_failed",
    ),
    (
        "DeepSeek, no credit",
        402,
        openai("Insufficient Balance", "invalid_request_error", "unknown_error"),
        "model_quota_exhausted",
    ),
    ("DeepSeek, unknown model", 400, openai("Model Not Exist"), "model_missing"),
    ("Mistral, wrong key", 401, {"detail": "Unauthorized"}, "model_auth_failed"),
    (
        "Mistral, rate limit",
        429,
        {"object": "error", "message": "Service tier capacity exceeded for this model."},
        "model_rate_limited",
    ),
    (
        "Mistral, unknown model",
        400,
        {"object": "error", "message": "Invalid model: big-one", "type": "invalid_model"},
        "model_missing",
    ),
]


@pytest.mark.parametrize(
    ("status", "document", "code"),
    [case[1:] for case in REAL],
    ids=[case[0].replace(" ", "-") for case in REAL],
)
def test_each_real_answer_means_one_condition(status: int, document: Any, code: str) -> None:
    condition = refused(status, document)
    assert condition.code == code
    # One or two whole sentences that name the model.
    assert "home-model" in condition.message
    assert condition.message.endswith(".")


@pytest.mark.parametrize(
    ("status", "document", "limit", "asked"),
    [
        (
            400,
            openai(
                "This model's maximum context length is 128000 tokens. However, your messages "
                "resulted in 204308 tokens. Please reduce the length of the messages.",
                "context_length_exceeded",
            ),
            128_000,
            204_308,
        ),
        (
            400,
            openai(
                "This model's maximum context length is 16384 tokens. However, you requested "
                "122946 tokens (112946 in the messages, 10000 in the completion)."
            ),
            16_384,
            122_946,
        ),
        (
            400,
            openai(
                "'max_tokens' is too large: 8192. This model's maximum context length is 8192 "
                "tokens and your request has 12 input tokens (8192 > 8192 - 12)."
            ),
            8192,
            12,
        ),
        (
            400,
            openai(
                "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted "
                "in 300100 tokens."
            ),
            272_000,
            300_100,
        ),
        (
            400,
            anthropic(
                "invalid_request_error", "prompt is too long: 209353 tokens > 199999 maximum"
            ),
            199_999,
            209_353,
        ),
        (
            400,
            anthropic(
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000, "
                "decrease input length or `max_tokens` and try again",
            ),
            200_000,
            174_167,
        ),
        (
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1091639) exceeds the maximum number of tokens allowed "
                "(1048576).",
            ),
            1_048_576,
            1_091_639,
        ),
        (
            400,
            {
                "error": {
                    "code": 500,
                    "message": "the request exceeds the available context size. try increasing "
                    "the context size or enable context shift",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 1407,
                    "n_ctx": 256,
                }
            },
            256,
            1407,
        ),
        (400, openai("Requested tokens (2285) exceed context window of 2048"), 2048, 2285),
        (
            400,
            {
                "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model "
                "with 32768 maximum context length"
            },
            32_768,
            40_000,
        ),
        (
            429,
            openai(
                "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested "
                "342389."
            ),
            30_000,
            342_389,
        ),
        (400, {"message": "Input is too long for requested model."}, None, None),
    ],
)
def test_the_numbers_of_an_overflow_are_read(
    status: int, document: Any, limit: int | None, asked: int | None
) -> None:
    condition = refused(status, document)
    assert isinstance(condition, ContextTooLong)
    assert (condition.limit_tokens, condition.asked_tokens) == (limit, asked)
    if limit:
        assert f"{limit:,} tokens" in condition.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 9.816s. Visit us.", 9.816),
        ("Please try again in 6ms.", 0.006),
        ("Please try again in 1m12.5s.", 72.5),
        ("Please try again in 2m.", 120),
        ("Please retry in 45.578569677s.", 45.578569677),
        ("Please retry after 14 seconds.", 14),
        ("Please try again later", None),
        ("Modify your prompt and retry. To learn more", None),
    ],
)
def test_a_wait_is_read_from_a_sentence(text: str, seconds: float | None) -> None:
    assert wait_in_text(text) == seconds
    error = refused(429, {"error": {"message": text}})
    assert error.retry_after_s == seconds


def test_a_header_says_better_than_a_sentence_how_long_to_wait() -> None:
    body = msgspec.json.encode({"error": {"message": "Please try again in 20s."}})
    failure = read_failure(429, {"retry-after": "12"}, body, NOW)
    condition = condition_of(failure, "home-model")
    assert condition.retry_after_s == 12
    assert condition.message.endswith("says to come back in 12 s.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "model_failed"),
        ({"type": "rate_limit_error", "message": "Slow down"}, "model_rate_limited"),
        ({"code": "rate_limit_exceeded", "message": "Slow down"}, "model_rate_limited"),
        ({"type": "authentication_error", "message": "No"}, "model_auth_failed"),
        ({"code": "context_length_exceeded", "message": "Too long"}, "context_too_long"),
        ({"code": 429, "message": "Slow down"}, "model_rate_limited"),
        ({"message": "Something"}, "model_failed"),
        ("Something", "model_failed"),
    ],
)
def test_a_failure_within_a_stream_has_no_status_and_is_understood(error: Any, code: str) -> None:
    assert condition_of(failure_of_error(error), "home-model").code == code


def refused(status: int, document: Any) -> ModelError:
    failure = read_failure(status, {}, msgspec.json.encode(document), NOW)
    return condition_of(failure, "home-model")
