"""Argon2id off the event loop, a few at a time."""

from __future__ import annotations

import asyncio
import base64
import os
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from codelab.kit.errors import Unavailable

R = TypeVar("R")

_LONGEST_QUEUE = 200
_SALT_BYTES = 16
_HASH_BYTES = 32


class Passwords:
    """Hashes passwords and compares them.

    Args:
        memory_kib: Argon2id's memory cost.
        rounds: Argon2id's time cost.
        slots: How many are worked on at the same time; the others wait in line.
    """

    def __init__(self, *, memory_kib: int, rounds: int, slots: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds,
            memory_cost=memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        # No password has this hash. It is verified for unknown users, at the same cost.
        self._dummy = (
            f"$argon2id$v=19$m={memory_kib},t={rounds},p=1"
            f"${_base64(os.urandom(_SALT_BYTES))}${_base64(os.urandom(_HASH_BYTES))}"
        )
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="password")
        self._slots = asyncio.Semaphore(slots)
        self._waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one's turn.

        Raises:
            Unavailable: Too many wait already.
        """
        if self._waiting >= _LONGEST_QUEUE:
            raise Unavailable("Too many people sign in at once. Try again.", retry_after_s=5)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def hash(self, password: str) -> str:
        """Hash a new password, in one's turn."""
        async with self.slot():
            return await self._run(lambda: self._hasher.hash(_encoded(password)))

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Compare a password with a hash, inside a slot that the caller holds.

        Args:
            password: What was typed.
            hashed: The user's hash; none takes as long and never matches.
        """
        return await self._run(lambda: self._matches(password, hashed or self._dummy))

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether the hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(hashed)

    async def _run(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False


def _encoded(password: str) -> bytes:
    # Systems differ in how they compose accents; the password is the same.
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
