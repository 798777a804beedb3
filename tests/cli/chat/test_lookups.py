"""Which workspace is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codelab.cli.chat.lookups import NoWorkspace, choose_workspace

HERE = Path("/projects/shop/src")
SHOP = {"id": "1", "name": "shop", "path": "/projects/shop"}
ALL = {"id": "2", "name": "all", "path": "/projects"}
OTHER = {"id": "3", "name": "other", "path": "/elsewhere"}


@pytest.mark.parametrize(
    ("found", "wanted", "chosen"),
    [
        ([OTHER], None, OTHER),
        ([ALL, SHOP, OTHER], None, SHOP),
        ([ALL, SHOP, OTHER], "3", OTHER),
        ([ALL, SHOP, OTHER], "all", ALL),
        ([ALL, SHOP, OTHER], "/elsewhere", OTHER),
        ([ALL, SHOP, OTHER], "..", SHOP),
        ([ALL, SHOP], "/new", None),
    ],
)
def test_the_nearest_one_is_chosen(
    found: list[dict[str, Any]], wanted: str | None, chosen: dict[str, Any] | None
) -> None:
    assert choose_workspace(found, HERE, wanted) == chosen


@pytest.mark.parametrize("found", [[], [OTHER, {"id": "4", "name": "more", "path": "/more"}]])
def test_what_is_unclear_is_asked(found: list[dict[str, Any]]) -> None:
    with pytest.raises(NoWorkspace, match="name "):
        choose_workspace(found, HERE, None)
