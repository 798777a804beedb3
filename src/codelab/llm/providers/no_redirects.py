"""Keeps litellm from following a redirect, which would take a provider's key to another server.

httpx leaves out `Authorization` on its way elsewhere, and no other header: `api-key` goes along.
Which clients follow cannot be set in litellm, so it is told to each of them as it is made.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

_OPENAI_CLIENTS = ("AsyncAPIClient", "SyncAPIClient")
_OWN_CLIENTS = ("AsyncHTTPHandler", "HTTPHandler")


def follow_no_redirects(litellm: Any) -> None:
    """See to it that no client follows a redirect which litellm makes from now on.

    Args:
        litellm: The library; whether this was done before does not matter.
    """
    for name in _OPENAI_CLIENTS:
        _mend_openai_client(getattr(litellm.openai._base_client, name))
    for name in _OWN_CLIENTS:
        _mend_own_client(getattr(litellm, name))


def _mend_openai_client(kind: Any) -> None:
    made = kind.__init__

    @wraps(made)
    def make(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        self._client.follow_redirects = False

    if not hasattr(made, "__wrapped__"):
        kind.__init__ = make


def _mend_own_client(kind: Any) -> None:
    made = kind.create_client

    @wraps(made)
    def make(self: Any, *given: Any, **named: Any) -> Any:
        client = made(self, *given, **named)
        client.follow_redirects = False
        return client

    if not hasattr(made, "__wrapped__"):
        kind.create_client = make
