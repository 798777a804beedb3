"""What providers say of a conversation that is too long, and how long it may be."""

from __future__ import annotations

import re

from codelab.llm.errors import ContextTooLong

_OVERFLOW = re.compile(
    r"context[ _-](length|window|size|limit)|(prompt|input) is too long|too many (input )?tokens"
    r"|maximum (number of )?(input )?tokens (allowed|exceeded)|maximum input length"
    r"|longer than the maximum model length|reduce the length of the messages"
    r"|tokens exceed the configured limit",
    re.IGNORECASE,
)
# llama.cpp's own word for it, whatever the status.
_SURELY = "exceed_context_size"
# The whole request is larger than what a provider takes in a minute: waiting does not help.
_LARGER_THAN_A_MINUTE = re.compile(r"request too large", re.IGNORECASE)
# Bounded, so that a long run of digits is read once.
_NUMBER = r"((?<!\d)\d[\d,_]{0,14})"
_LIMIT = re.compile(
    rf"maximum context length (?:is|of) {_NUMBER}|{_NUMBER} maximum context length"
    rf"|tokens? > {_NUMBER} maximum|context limit: \d+ \+ \d+ > {_NUMBER}"
    rf"|maximum number of tokens allowed \(?{_NUMBER}|context size \({_NUMBER} tokens"
    rf"|context window of {_NUMBER}|configured limit of {_NUMBER}|maximum model length of {_NUMBER}"
    rf"|maximum input length is {_NUMBER}|\bLimit {_NUMBER}, Requested",
    re.IGNORECASE,
)
_ASKED = re.compile(
    rf"(?:requested|requested about|resulted in|request has|contains) {_NUMBER} (?:input )?tokens"
    rf"|{_NUMBER} tokens? > \d+ maximum|context limit: {_NUMBER} \+"
    rf"|requested tokens \({_NUMBER}\)|token count \(?{_NUMBER}|request \({_NUMBER} tokens"
    rf"|\(length {_NUMBER}\)"
    rf"|\bLimit \d+, Requested {_NUMBER}",
    re.IGNORECASE,
)


def is_overflow(status: int, said: str) -> bool:
    """Tell whether a refusal means that the conversation is too long."""
    if _SURELY in said:
        return True
    if status == 429:
        return bool(_LARGER_THAN_A_MINUTE.search(said))
    return status == 413 or (status < 500 and bool(_OVERFLOW.search(said)))


def too_long(model: str, said: str) -> ContextTooLong:
    """Make the condition, with the numbers that the provider names.

    Args:
        model: The model's name in the catalogue.
        said: What the provider said.
    """
    limit, asked = _number(_LIMIT, said), _number(_ASKED, said)
    takes = f", which takes {limit:,} tokens at most" if limit else ""
    return ContextTooLong(
        f"The conversation is too long for {model}{takes}.", limit_tokens=limit, asked_tokens=asked
    )


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    if found is None:
        return None
    digits = next(group for group in found.groups() if group)
    return int(re.sub(r"\D", "", digits))
