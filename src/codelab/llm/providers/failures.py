"""From what a provider says when it fails to one of our conditions, with a sentence for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from codelab.kit.log import mask, visible
from codelab.llm.errors import (
    ModelAuthFailed,
    ModelError,
    ModelFailed,
    ModelFiltered,
    ModelMissing,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
)
from codelab.llm.providers.overflow import is_overflow, too_long

_LONGEST_QUOTE = 300
# What is read of a failure's text: more would only keep the patterns busy.
_MOST_READ = 4_000
_LONGEST_WAIT_S = 86_400
_QUOTA = re.compile(
    r"insufficient[ _](quota|balance|credit)|credit balance|billing|exceeded your current quota",
    re.IGNORECASE,
)
_KEY = re.compile(r"api[ _-]?key", re.IGNORECASE)
_FILTERED = re.compile(
    r"content[ _-]?(filter|management policy|policy)|responsibleaipolicy|usage policy"
    r"|safety system|was flagged|blocked by content",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"not support(ed)? (tool|function)|n't support (tool|function)|support tool use"
    r"|tool choice requires|function call(ing|s)? is not (supported|enabled)",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"model\b.{0,100}\b(not found|not exist)|not a valid model|invalid model"
    r"|model identifier is invalid|deploymentnotfound|model_not_found",
    re.IGNORECASE,
)
# What is quoted may be the user's own words; where a quote ends is theirs to blur, so the last
# mark counts.
_QUOTED = re.compile(r"(?<!\w)(['\"`])(?:.*\1|.*)", re.DOTALL)
# The provider names a field of the request: neither the key nor the account is at fault.
_FIELD_CODES = frozenset(
    {
        "array_above_max_length",
        "integer_above_max_value",
        "integer_below_min_value",
        "invalid_parameter",
        "invalid_type",
        "invalid_value",
        "missing_required_parameter",
        "string_above_max_length",
        "unknown_parameter",
        "unsupported_parameter",
        "unsupported_value",
    }
)
# How long to wait, where only the text says it: "in 1m2.5s", "in 350ms", "after 14 seconds".
_WAIT = re.compile(
    r"(?:try again|retry) (?:in|after) (?:(\d+)m(?!s))?\s*(?:(\d+(?:\.\d+)?)\s*(ms|s))?",
    re.IGNORECASE,
)
_AUTH_STATUS = (401, 403)
_PASSING_STATUS = (408, 409, 425)
# Failures in the middle of a stream have no status: their kind stands for it.
_STATUS_OF_KIND = {
    "api_error": 500,
    "authentication_error": 401,
    "billing_error": 402,
    "content_filter": 400,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
}


class ProviderFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A failure in the provider's words.

    Args:
        status: The HTTP status, or 500 for a failure in the middle of a stream.
        message: The provider's text; may hold anything.
        code: The provider's own code or type of the failure.
        param: The field of the request that the provider names, if any.
    """

    status: int
    message: str = ""
    code: str = ""
    param: str = ""
    retry_after_s: float | None = None


def read_failure(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> ProviderFailure:
    """Read a refused request's answer, whatever of OpenAI's error shape it has."""
    error = read_error(body)
    return ProviderFailure(
        status=status,
        message=error.message,
        code=error.code,
        param=error.param,
        retry_after_s=read_retry_after(headers, now),
    )


def read_error(body: bytes) -> ProviderFailure:
    """Read an error document; one that is none is taken as plain text."""
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ProviderFailure(status=500, message=body.decode("utf-8", "replace"))
    if isinstance(document, list) and document and _is_map(document[0]):
        document = document[0]
    return failure_of_error(document.get("error", document) if _is_map(document) else document)


def failure_of_error(error: Any) -> ProviderFailure:
    """Read an error object, as it also comes in the middle of a stream."""
    if not _is_map(error):
        return ProviderFailure(status=500, message=str(error))
    code, kind = error.get("code"), error.get("type") or error.get("status")
    by_kind = _STATUS_OF_KIND.get(str(code)) or _STATUS_OF_KIND.get(str(kind), 500)
    status = code if isinstance(code, int) and 400 <= code < 600 else by_kind
    message = str(error.get("message") or error.get("detail") or "")
    if "n_ctx" in error:
        asked, limit = error.get("n_prompt_tokens"), error["n_ctx"]
        message += f" The request ({asked} tokens) is over the context size ({limit} tokens)."
    named = code if isinstance(code, str) else kind or code
    param = str(error.get("param") or "")
    return ProviderFailure(status=status, message=message, code=str(named or ""), param=param)


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `retry-after-ms` or `retry-after` (seconds or a date) from lower-case headers."""
    milliseconds, value = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    try:
        if milliseconds:
            return _sane(float(milliseconds) / 1000)
        return _sane(float(value)) if value else None
    except ValueError:
        pass
    try:
        return _sane(max(0.0, (parsedate_to_datetime(value) - now).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None


def condition_of(failure: ProviderFailure, model: str, secrets: Iterable[str] = ()) -> ModelError:
    """Name the condition.

    Args:
        failure: What the provider said.
        model: The model's name in the catalogue.
        secrets: Values that must not be quoted.
    """
    failure = _shortened(failure, secrets)
    said = f"{failure.code} {failure.message}"
    if is_overflow(failure.status, said):
        return too_long(model, said)
    if failure.status >= 500 or failure.status in _PASSING_STATUS:
        return ModelFailed(
            f"The provider of {model} had a failure of its own (status {failure.status}).",
            retry_after_s=failure.retry_after_s,
        )
    if failure.status == 429:
        return _limited(failure, said, model)
    return _refusal(failure, said, model)


def wait_in_text(text: str) -> float | None:
    """Read how long to wait from a sentence, in seconds."""
    found = _WAIT.search(text[:_MOST_READ])
    if found is None or not (found[1] or found[2]):
        return None
    minutes, amount = float(found[1] or 0), float(found[2] or 0)
    is_milliseconds = (found[3] or "").lower() == "ms"
    return _sane(minutes * 60 + (amount / 1000 if is_milliseconds else amount))


def _limited(failure: ProviderFailure, said: str, model: str) -> ModelError:
    told_s = wait_in_text(failure.message)
    # Some call a limit that ends within the minute a quota too: then they say when it ends.
    if _QUOTA.search(said) and told_s is None:
        return _no_credit(model)
    wait_s = failure.retry_after_s if failure.retry_after_s is not None else told_s
    how_long = "" if not wait_s else f" and says to come back in {max(1, round(wait_s))} s"
    return ModelRateLimited(
        f"The provider of {model} takes no more requests for now{how_long}.", retry_after_s=wait_s
    )


def _refusal(failure: ProviderFailure, said: str, model: str) -> ModelError:
    status = failure.status
    if _FILTERED.search(said):
        return ModelFiltered(
            f"The content filter of {model}'s provider stopped this request. Say it in another "
            "way, or choose another model."
        )
    # These three stop the model for everybody: nobody's quoted words may say them.
    own = "" if _names_a_field(failure) else f"{failure.code} {_QUOTED.sub(' ', failure.message)}"
    if status == 402 or _QUOTA.search(own):
        return _no_credit(model)
    if _NO_TOOLS.search(said):
        return ModelRefused(
            f"{model} cannot call tools, as it is set up, and agents need them. Choose another "
            "model."
        )
    if status in _AUTH_STATUS or (status == 400 and _KEY.search(own)):
        return ModelAuthFailed(
            f"The provider of {model} refused the key. Check the key in the models file or the "
            "environment, and what it may use."
        )
    if status == 404 or _MISSING.search(own):
        return ModelMissing(f"The provider of {model} does not have it, or not for this key.")
    return ModelRefused(
        f"The provider of {model} refused the request (status {status}){_quote(failure.message)}."
    )


def _names_a_field(failure: ProviderFailure) -> bool:
    """Tell whether the provider blames a field that the request's sender has filled."""
    if failure.code.lower() in _FIELD_CODES:
        return True
    # The model's name is the catalogue's, not the sender's.
    return failure.code == "invalid_request_error" and failure.param not in ("", "model")


def _no_credit(model: str) -> ModelQuotaExhausted:
    return ModelQuotaExhausted(
        f"The account behind {model} has no credit left. Top it up or choose another model."
    )


def _shortened(failure: ProviderFailure, secrets: Iterable[str]) -> ProviderFailure:
    """Cut what a provider said, secrets first, so that no half of one is left."""
    message, code = failure.message, failure.code
    for secret in secrets:
        message, code = message.replace(secret, "[secret]"), code.replace(secret, "[secret]")
    return msgspec.structs.replace(failure, message=message[:_MOST_READ], code=code[:_MOST_READ])


def _sane(wait_s: float) -> float | None:
    """Believe a wait of at most a day; infinity and NaN are none, and what is over is no wait."""
    return max(0.0, wait_s) if wait_s <= _LONGEST_WAIT_S else None


def _quote(text: str) -> str:
    """Quote the provider, bounded."""
    text = visible(mask(text.strip())).rstrip(".")
    if not text:
        return ""
    return f": {text}" if len(text) <= _LONGEST_QUOTE else f": {text[:_LONGEST_QUOTE]}…"


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)
