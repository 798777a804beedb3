"""What code search tells the rest of the process."""

from __future__ import annotations

from typing import Literal

from codelab.kit.events import EphemeralEvent

Kind = Literal["code", "symbol", "references", "map"]


class CodeSearched(EphemeralEvent, frozen=True, kw_only=True):
    """An index was asked, and has answered.

    Args:
        workspace_id: Whose index.
        kind: What was asked for: code by its description, a symbol, the uses of a name, a map.
        found: Whether the answer holds anything; for a map, whether there is an index.
        duration_ms: How long it took, the reading of what is shown included.
    """

    workspace_id: str
    kind: Kind
    found: bool
    duration_ms: float
