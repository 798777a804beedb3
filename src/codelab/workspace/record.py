"""A workspace as callers know it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class WorkspaceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A registered folder; without an owner it is offered to all users of the server."""

    id: str
    name: str
    path: str
    owner_id: str | None
    created_at: datetime
