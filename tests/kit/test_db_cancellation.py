"""Cancelling whoever uses the database, at any moment, leaves no lock and no connection behind."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.kit.db import Database


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_transaction_leaves_no_lock(database_url: str, times: int) -> None:
    numbers = sa.Table("numbers", sa.MetaData(), sa.Column("n", sa.Integer))
    db, other = Database(database_url, Bus()), Database(database_url, Bus())
    async with db.engine.begin() as connection:
        await connection.run_sync(numbers.create)
        await connection.execute(sa.insert(numbers), [{"n": 1}, {"n": 2}])

    async def work() -> None:
        async with db.transaction() as tx:
            await tx.execute(sa.select(numbers))
            await tx.execute(sa.update(numbers).values(n=numbers.c.n + 1))
            await tx.execute(sa.select(numbers))

    # The tasks are kept: what a cancellation's traceback still refers to must not matter.
    tasks = []
    for moment in range(120):
        tasks.append(asyncio.create_task(work()))
        for _ in range(moment % 40):
            await asyncio.sleep(0)
        await asyncio.sleep(0.0001 * (moment // 4))
        for _ in range(times):
            tasks[-1].cancel()
            await asyncio.sleep(0)
        await asyncio.wait([tasks[-1]])
        # Another process would wait for a lock that was left behind until it gives up.
        async with asyncio.timeout(5):
            async with other.transaction() as tx:
                await tx.execute(sa.update(numbers).values(n=0))
    await db.close()
    await other.close()
