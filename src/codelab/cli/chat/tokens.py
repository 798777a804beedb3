"""Where the terminal client keeps its sign-ins: one file that only its owner may read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in at one server.

    Args:
        access_token: Sent with every request.
        refresh_token: Buys the next pair, once.
        expires_at: When the access token ends, in seconds since 1970.
    """

    access_token: str
    refresh_token: str
    expires_at: float

    def lasts(self, seconds: float) -> bool:
        """Tell whether the access token is good for so long."""
        return time.time() + seconds < self.expires_at


class TokenFile:
    """The sign-ins by server.

    Args:
        folder: The user's own configuration folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "tokens.json"

    def read(self, server: str) -> SignedIn | None:
        """Return the sign-in at a server, none if there is no usable one."""
        return self._all().get(server)

    def write(self, server: str, signed_in: SignedIn | None) -> None:
        """Keep a sign-in, or forget the one there was."""
        everything = self._all()
        everything.pop(server, None)
        if signed_in is not None:
            everything[server] = signed_in
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(everything))
        fresh.replace(self._path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other terminals from using the same refresh token at the same time."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "tokens.lock").open("w") as file:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _all(self) -> dict[str, SignedIn]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, SignedIn])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}
