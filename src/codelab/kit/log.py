"""Structured logs: one escaped, bounded record per event, without secrets."""

from __future__ import annotations

import itertools
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from codelab.kit import masking

_LONGEST = 2000
# Masking reads more than is kept, so that no half of a secret stays at the cut.
_READ = 10 * _LONGEST
_MOST_ITEMS = 50
_SECRET_NAMES = re.compile(
    r"pass(word|wd)|secret|token|authorization|api[_-]?key|cookie|credential", re.IGNORECASE
)
_SECRET_VALUES = re.compile(
    # Our own API tokens, keys of model providers and of GitHub, JSON Web Tokens, headers,
    # passwords in addresses.
    r"\bcodelab_[0-9a-f]{32}_\w{8,}|\bsk-[A-Za-z0-9_-]{8,}|\bgh[opsu]_\w{20,}|\bgithub_pat_\w{20,}"
    r"|(?<![\w-])eyJ[\w-]++\.[\w-]++\.[\w-]+|\b(?i:Bearer|Basic)\s+[\w.~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    # What follows the name of a secret: `password=…`, `"api_key": "…"`.
    r"|(?i:(?<=password)|(?<=passwd)|(?<=secret)|(?<=token)|(?<=api_key)|(?<=api-key))"
    r"[\"']?\s?[=:]\s?[\"']?[^\s\"',;&]{4,}"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PLAIN_NAMES = frozenset(
    {"input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "tokens"}
)

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# One list for good: loggers keep the list they first wrote with, also when they are
# configured anew.
_PROCESSORS: list[Any] = [*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def configure(level: str = "info", style: str = "json") -> None:
    """Send our own and the libraries' records to standard error.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        style: `json` (one object a line) or `console`.
    """
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if style == "console"
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                clean,
                renderer,
            ],
        )
    )
    # A record that cannot be written would otherwise be printed as it is, secrets and all.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "asyncio", "LiteLLM", "aiosqlite", "websockets"):
        logging.getLogger(noisy).setLevel("WARNING")


def clean(logger: WrappedLogger, name: str, record: EventDict) -> EventDict:
    """Mask what looks like a secret, make control characters visible, bound every value."""
    return {key: _clean_value(str(key), value) for key, value in record.items()}


def visible(text: str) -> str:
    """Write control and bidirectional characters as escapes."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def mask(text: str) -> str:
    """Replace what looks like a key, a token or a password in an address."""
    return masking.mask(_SECRET_VALUES.sub("[secret]", text))


def _clean_value(key: str, value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if key not in _PLAIN_NAMES and _SECRET_NAMES.search(key):
        return "[secret]"
    if isinstance(value, Mapping):
        items = itertools.islice(value.items(), _MOST_ITEMS)
        return {_clean_text(str(name)): _clean_value(str(name), inner) for name, inner in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value("", inner) for inner in itertools.islice(value, _MOST_ITEMS)]
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    # A trace keeps its line breaks as escapes too: one record is one line.
    clear = visible(mask(text[:_READ]))
    if len(text) > _READ:
        return f"{clear[:_LONGEST]}… ({len(text)} characters)"
    if len(clear) > _LONGEST:
        # A trace says at its end what went wrong.
        return f"{clear[: _LONGEST // 2]}… ({len(text)} characters) …{clear[-_LONGEST // 2 :]}"
    return clear
