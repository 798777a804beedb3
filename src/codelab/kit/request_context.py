"""From where the request came that is being handled, for whoever records it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """The client of a request; both are empty for what the server does by itself.

    Args:
        address: The client's IP address, as far as trusted proxies say.
        user_agent: What the client calls itself; anything may stand in it.
    """

    address: str = ""
    user_agent: str = ""


_NOBODY = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("codelab_request", default=_NOBODY)


def current_request() -> RequestContext:
    """Return the request that this task works for."""
    return _current.get()


@contextmanager
def handling(request: RequestContext) -> Iterator[None]:
    """Name the request that is handled inside; tasks that start inside inherit it."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
