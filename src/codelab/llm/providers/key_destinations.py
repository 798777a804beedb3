"""A provider's key goes to that provider's address only, the one that the environment names for it.

litellm takes keys from the environment by itself, for whatever address a model has. An entry with
an address of its own gets none but its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelRefused

NO_KEY = "none"
"""What stands in a key's place, so that litellm looks for no other."""

_KEY_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key"})


def base_of(params: Mapping[str, Any]) -> str:
    """Return the address that an entry names; empty when it is its provider's."""
    return str(params.get("api_base") or params.get("base_url") or "")


def is_keyless(params: Mapping[str, Any]) -> bool:
    """Tell whether an entry has an address of its own and no key."""
    return bool(base_of(params)) and not params.get("api_key")


def for_litellm(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an entry as litellm may have them."""
    return {**params, "api_key": NO_KEY} if is_keyless(params) else dict(params)


def own_headers(headers: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, str]:
    """Return a call's headers without a key that is not the entry's own.

    Args:
        headers: As litellm has written them.
        params: The entry's parameters.
    """
    if not is_keyless(params):
        return dict(headers)
    own = {name.lower() for name in params.get("extra_headers") or {}}
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in _KEY_HEADERS or name.lower() in own
    }


def require_our_wire(entry: ModelEntry) -> None:
    """Refuse what only litellm's own connections could do: they do not check addresses.

    Raises:
        ModelRefused: The entry's address is to be checked.
    """
    if entry.guarded:
        raise ModelRefused(
            f"{entry.name} was added with an address of its own, and this request cannot be sent "
            "there by a connection that checks addresses. Is there a proxy in between?"
        )
