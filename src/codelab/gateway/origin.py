"""Whether a browser's page may open a socket here: its own origin and the allowed ones only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def parse(text: str) -> Origin | None:
    """Read a serialised origin as scheme, host and port; none for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if scheme not in _PORTS or not parts.hostname or not plain or _odd(text):
        return None
    return scheme, parts.hostname.lower(), port or _PORTS[scheme]


def is_allowed(
    origins: Sequence[str], hosts: Sequence[str], secure: bool, allowed: Collection[Origin]
) -> bool:
    """Decide on the `Origin` headers of a handshake.

    Args:
        origins: All `Origin` headers; programs that are no browsers send none.
        hosts: All `Host` headers.
        secure: Whether the client came over TLS.
        allowed: Further origins that the administrator allows.
    """
    if not origins:
        return True
    if len(origins) != 1 or len(hosts) != 1:
        return False
    origin = parse(origins[0])
    own = parse(f"{'https' if secure else 'http'}://{hosts[0]}")
    return origin is not None and (origin == own or origin in allowed)


def _odd(text: str) -> bool:
    # The parser drops some of these without a word; an origin never holds them.
    return any(character <= " " or character in "\\?#\x7f" for character in text)
