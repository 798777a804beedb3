"""How long an answer may be, and that there is one: what a reservation of money goes by.

A provider is never sent more than the request says, whatever an entry's parameters say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from codelab.sdk.model import ModelRequest

# Each of them bounds an answer, in one provider's words or another's.
LENGTHS = frozenset(
    {
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens"),
        *("max_tokens_to_sample", "maxOutputTokens", "maxTokens", "num_predict", "n_predict"),
    }
)
# What else only the request says: how many answers there are, and how they come.
_OTHERS = frozenset({"n", "best_of", "stream", "stream_options"})
_BODY = "extra_body"


def limit_of(params: Mapping[str, Any]) -> int | None:
    """Return the longest answer that an entry's parameters allow, in tokens; none if any."""
    given = [str(params[name]) for name in LENGTHS & params.keys()]
    limits = [int(one) for one in given if one.isdecimal()]
    return min((one for one in limits if one), default=None)


def bounded(request: ModelRequest, params: Mapping[str, Any]) -> ModelRequest:
    """Return the request with an answer no longer than it says itself, and its entry allows."""
    limits = [request.max_output_tokens, limit_of(request.options), limit_of(params)]
    return msgspec.structs.replace(
        request,
        max_output_tokens=min((one for one in limits if one is not None), default=None),
        options=without_limits(request.options),
    )


def without_limits(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters without what is not theirs to say."""
    kept = {name: value for name, value in params.items() if name not in LENGTHS | _OTHERS}
    if isinstance(body := kept.get(_BODY), Mapping):
        kept[_BODY] = {
            name: _without_lengths(value) if isinstance(value, Mapping) else value
            for name, value in without_limits(body).items()
        }
    return kept


def joined(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with what is to be added, which leaves the options of the body in place."""
    merged = {
        name: {**body[name], **value}
        for name, value in extra.items()
        if isinstance(value, Mapping) and isinstance(body.get(name), Mapping)
    }
    return {**body, **extra, **merged}


def _without_lengths(options: Mapping[str, Any]) -> dict[str, Any]:
    # Some providers take options one level further down.
    return {name: value for name, value in options.items() if name not in LENGTHS}
