"""Reads the chain from the database, page by page, while others may be writing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from codelab.audit import repository
from codelab.audit.chain import ATTESTED, Head, Progress, Row, audit_signer, conclude, follow
from codelab.audit.entry import Observation, entry_of
from codelab.audit.errors import ChainBroken
from codelab.kit.db import Database
from codelab.kit.request_context import RequestContext

_PAGE = 500


async def verify(
    db: Database, secrets: Sequence[str], noted: Head | None = None, *, unsigned: int = 0
) -> Progress:
    """Verify the whole audit log.

    Args:
        db: The database.
        secrets: The installation's secrets, former ones included.
        noted: A head that was noted earlier, elsewhere.
        unsigned: How many of the first entries are known to be from before the chain.

    Raises:
        ChainBroken: Names the first entry that is not as it was written.
        Unavailable: The database cannot be reached.
    """
    signer = audit_signer(secrets)
    progress = Progress()
    while True:
        begun = progress.head
        # The head first: whatever it counts can be read by now.
        head = await _head(db)
        while page := await _page(db, progress.head.seq or None, _PAGE):
            for row in page:
                progress = follow(progress, row, signer, noted)
        if progress.head.seq <= head.seq or progress.head == begun:
            conclude(progress, head, noted, unsigned)
            return progress
        # More came than that head counts: they were written meanwhile, or it was set back.


async def attest(db: Database, secrets: Sequence[str], *, unsigned: int = 0) -> Head:
    """Verify the audit log and vouch for it with the current key, so that former ones may go.

    Returns:
        Up to where it is vouched for.

    Raises:
        ChainBroken: Names the first entry that is not as it was written; nobody vouches for it.
        Unavailable: The database cannot be reached.
    """
    head = (await verify(db, secrets, unsigned=unsigned)).head
    seen = Observation(action=ATTESTED, resource_type="audit_log", resource_id=str(head))
    async with db.transaction() as tx:
        await repository.append(tx, [entry_of(seen, RequestContext())], audit_signer(secrets))
    return head


async def _head(db: Database) -> Head:
    async with db.read() as reading:
        found = await repository.head(reading)
    if found is None:
        raise ChainBroken("The head of the audit log was removed.")
    return found


async def _page(db: Database, seq: int | None, limit: int) -> list[Row]:
    try:
        async with db.read() as reading:
            return await repository.rows_after(reading, seq, limit)
    except (ValueError, DBAPIError):
        if limit == 1:
            raise ChainBroken(
                f"Entry {(seq or 0) + 1} cannot be read: something was put in its place."
            ) from None
    # Which one of them it is.
    return await _page(db, seq, 1)
