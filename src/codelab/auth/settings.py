"""What the module is told when it is built."""

from __future__ import annotations

import msgspec


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of sign-in.

    Args:
        secrets: The installation's secrets: the first signs, the others only verify.
        internal_secret: What service callers send as `X-Internal-Secret`; empty refuses them all.
        trusted_proxies: Addresses or networks whose `X-Forwarded-For` is believed.
        access_ttl_s: Life of an access token.
        refresh_ttl_s: Life of a refresh token.
        ticket_ttl_s: Life of a WebSocket ticket.
        standing_ttl_s: How long a check of a sign-in or a user is remembered.
        hash_memory_kib: Argon2id's memory cost.
        hash_rounds: Argon2id's time cost.
        hash_slots: How many passwords are hashed at the same time.
    """

    secrets: tuple[str, ...]
    internal_secret: str = ""
    trusted_proxies: tuple[str, ...] = ()
    access_ttl_s: int = 15 * 60
    refresh_ttl_s: int = 7 * 24 * 3600
    ticket_ttl_s: int = 30
    standing_ttl_s: float = 30.0
    hash_memory_kib: int = 19 * 1024
    hash_rounds: int = 2
    hash_slots: int = 2

    def __repr__(self) -> str:
        return "AuthSettings(…)"
