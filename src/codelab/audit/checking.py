"""Verifying the audit log while the server runs, within a time that nobody minds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from codelab.audit.errors import ChainBroken
from codelab.audit.verification import verify
from codelab.kit.clock import utc_now
from codelab.kit.db import Database

_LONGEST_S = 30.0


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a verification.

    Args:
        intact: Whether the chain holds; none: it is too long to be verified here.
        entries: How many entries there are.
        head: The last entry's number and hash, to be kept elsewhere.
        problem: What is wrong, or what to do instead.
    """

    intact: bool | None
    entries: int = 0
    head: str = ""
    problem: str = ""
    at: datetime


class AuditCheck:
    """Verifies the log, once at a time: who asks meanwhile gets the same answer.

    Args:
        db: The database.
        secrets: The installation's secrets, former ones included.
        longest_s: After how many seconds it is given up.
    """

    def __init__(
        self, db: Database, secrets: Sequence[str], *, longest_s: float = _LONGEST_S
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._longest_s = longest_s
        self._running: asyncio.Task[Verified] | None = None

    async def run(self) -> Verified:
        """Verify the whole log.

        Raises:
            Unavailable: The database cannot be reached.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._verify())
        # Shielded: others may wait for the same.
        return await asyncio.shield(self._running)

    async def _verify(self) -> Verified:
        try:
            async with asyncio.timeout(self._longest_s):
                progress = await verify(self._db, self._secrets)
        except ChainBroken as error:
            return Verified(intact=False, problem=error.message, at=utc_now())
        except TimeoutError:
            problem = "The log is long: run `codelab audit verify` on the server instead."
            return Verified(intact=None, problem=problem, at=utc_now())
        head = progress.head
        return Verified(intact=True, entries=head.seq, head=str(head), at=utc_now())
