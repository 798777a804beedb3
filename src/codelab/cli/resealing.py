"""Seals stored values anew with the current key, so that former keys can be thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from codelab.kit.crypto import Cipher, SealBroken
from codelab.kit.db import Database

_BATCH = 500


class Resealed(msgspec.Struct, frozen=True):
    """How many values were sealed anew, and how many could not be opened."""

    renewed: int
    broken: int

    def plus(self, other: Resealed) -> Resealed:
        """Add two counts."""
        return Resealed(self.renewed + other.renewed, self.broken + other.broken)


async def reseal(db: Database, cipher: Cipher) -> Resealed:
    """Seal every sensitive column with the current key; safe to stop and start again.

    Sensitive columns are the binary ones; a value's context is its table, column and key.
    """
    known = sa.MetaData()
    async with db.read() as connection:
        await connection.run_sync(known.reflect)
    total = Resealed(0, 0)
    for table in known.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, sa.LargeBinary)]
        if columns:
            total = total.plus(await _reseal_table(db, cipher, table, columns))
    return total


async def _reseal_table(
    db: Database, cipher: Cipher, table: sa.Table, columns: Sequence[sa.Column[Any]]
) -> Resealed:
    key = list(table.primary_key.columns)
    total, after = Resealed(0, 0), None
    while True:
        query = sa.select(*key, *columns).order_by(*key).limit(_BATCH)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
        async with db.transaction() as tx:
            rows = (await tx.execute(query.with_for_update())).all()
            for row in rows:
                changed, broken = _changes(cipher, table, columns, row)
                total = total.plus(Resealed(len(changed), broken))
                if changed:
                    same = [column == row._mapping[column] for column in key]
                    await tx.execute(sa.update(table).where(*same).values(changed))
        if len(rows) < _BATCH:
            return total
        after = [rows[-1]._mapping[column] for column in key]


def _changes(
    cipher: Cipher, table: sa.Table, columns: Sequence[sa.Column[Any]], row: sa.Row[Any]
) -> tuple[dict[str, bytes], int]:
    row_id = ":".join(str(row._mapping[column]) for column in table.primary_key.columns)
    changed, broken = {}, 0
    for column in columns:
        sealed = row._mapping[column]
        if sealed is None or cipher.is_current(sealed):
            continue
        context = f"{table.name}.{column.name}:{row_id}"
        try:
            changed[column.name] = cipher.seal(cipher.open(sealed, context), context)
        except SealBroken:
            broken += 1
    return changed, broken
