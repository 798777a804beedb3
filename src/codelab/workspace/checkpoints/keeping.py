"""How much of a project's earlier states is kept."""

from __future__ import annotations

import msgspec


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept.

    Args:
        workspace_mb: How large the snapshots of one workspace may grow.
        total_mb: How large all of them together may.
        spare_mb: How much of the disk stays free.
    """

    workspace_mb: int = 1000
    total_mb: int = 20_000
    spare_mb: int = 200
