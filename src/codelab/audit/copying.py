"""Copies of the audit log as files, made page by page while they are sent."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

import msgspec

from codelab.audit.entry import ChainedEntry, canonical
from codelab.audit.repository import AuditFilter
from codelab.audit.service import Audit

Format = Literal["csv", "ndjson"]

MOST: Final = 50_000
_PAGE = 500
# What a spreadsheet would take for the start of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def copied(
    audit: Audit, wanted: AuditFilter, form: Format, *, most: int = MOST
) -> AsyncIterator[bytes]:
    """Write entries down, newest first.

    Args:
        audit: The audit log.
        wanted: Which entries.
        form: How they are written.
        most: How many at most.
    """
    if form == "csv":
        yield _lines([ChainedEntry.__struct_fields__])
    written = 0
    while written < most:
        limit = min(_PAGE, most - written)
        page = await audit.list_entries(msgspec.structs.replace(wanted, limit=limit))
        if not page:
            return
        yield _rows(page) if form == "csv" else msgspec.json.Encoder().encode_lines(page)
        written += len(page)
        wanted = msgspec.structs.replace(wanted, before=page[-1].id)


def _rows(page: Sequence[ChainedEntry]) -> bytes:
    return _lines(
        [
            [_harmless(_text(getattr(entry, name))) for name in ChainedEntry.__struct_fields__]
            for entry in page
        ]
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return canonical(value)
    return "" if value is None else str(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()
