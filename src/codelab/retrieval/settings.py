"""What the module is told when it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

Engine = Literal["fts5", "tantivy"]
OFF: Final = "off"


class IndexingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How indexes are made and kept up to date.

    Args:
        folder: Where they are, a folder for each workspace.
        engine: What searches them; `off`: none are made.
        allowed_hidden: Hidden files that agents may use, as gitignore patterns.
        reconcile_s: After so many seconds a workspace is compared with its index again.
        rebuild_s: After so many seconds an index is made anew; 0: never.
        rest_s: After so many seconds in which nobody asked, a workspace is followed no more.
    """

    folder: Path
    engine: Engine | Literal["off"] = "fts5"
    allowed_hidden: tuple[str, ...] = ()
    reconcile_s: float = 300
    rebuild_s: float = 0
    rest_s: float = 1800


class RerankSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which model puts findings into order.

    Args:
        model: Its name in the catalogue; empty: none does.
        timeout_s: So many seconds it is waited for.
        cost_usd: So many US dollars one question may cost, as far as prices are known.
    """

    model: str = ""
    timeout_s: float = 5.0
    cost_usd: float = 0.01
