"""A desk on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sessions.desk import Desk


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with one replica and a session of Ann's."""
    made = Desk(database_url, tmp_path)
    made.office()
    await made.prepare()
    yield made
    for office in made.offices:
        await office.close()
