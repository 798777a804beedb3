"""Access tokens, which carry their own proof, and opaque ones, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final

import jwt
import msgspec

from codelab.auth.errors import Unauthenticated
from codelab.auth.identity import Role
from codelab.kit.clock import utc_now
from codelab.kit.crypto import derive_key
from codelab.kit.ids import new_id

ISSUER: Final = "codelab"
AUDIENCE: Final = "codelab"

_ALGORITHM = "HS256"
_LONGEST = 4096
# Replicas' clocks differ a little.
_LEEWAY_S = 5
# Nothing in a token's header may choose a key: jwk, jku, x5u, kid and whatever comes next.
_HEADER_FIELDS = {"alg", "typ"}


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an access token says (RFC 7519); `sid` is the family, times are seconds of UTC."""

    iss: str
    aud: str
    sub: str
    sid: str
    role: Role
    name: str
    iat: int
    nbf: int
    exp: Annotated[int, msgspec.Meta(lt=1 << 40)]
    jti: str


class AccessTokens:
    """Signs and reads access tokens.

    Args:
        secrets: The installation's secrets: the first signs, all verify.
        ttl_s: Life of a token.
        clock: The time at which tokens are issued.
    """

    def __init__(
        self, secrets: Sequence[str], ttl_s: int, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._keys = [derive_key(secret, "jwt") for secret in secrets]
        self._ttl_s = ttl_s
        self._clock = clock

    def issue(self, *, user_id: str, name: str, role: Role, family_id: str) -> str:
        """Sign a token for a user."""
        now = int(self._clock().timestamp())
        claims = Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=user_id,
            sid=family_id,
            role=role,
            name=name,
            iat=now,
            nbf=now,
            exp=now + self._ttl_s,
            jti=new_id(),
        )
        return jwt.encode(msgspec.structs.asdict(claims), self._keys[0], algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """Verify a token.

        Raises:
            Unauthenticated: It is not ours, not valid now, or not a token at all.
        """
        if len(token) <= _LONGEST and token.isascii():
            for key in self._keys:
                claims = _read(token, key)
                if claims is not None:
                    return claims
        raise Unauthenticated("The access token is not valid (any more). Sign in again.")


def new_token() -> str:
    """Make an opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is kept of an opaque token.

    A token is random enough that a fast hash without salt cannot be undone.
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _read(token: str, key: bytes) -> Claims | None:
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_LEEWAY_S,
            options={"require": list(Claims.__struct_fields__), "strict_aud": True},
        )
        if decoded["header"].keys() != _HEADER_FIELDS:
            return None
        return msgspec.convert(decoded["payload"], Claims)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
