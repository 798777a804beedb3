"""A stage on each kind of database, with one replica."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.agents.stage import Stage


@pytest.fixture
async def bare_stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose replicas the test starts itself."""
    made = Stage(database_url, tmp_path)
    yield made
    for replica in made.replicas:
        await replica.close()


@pytest.fixture
async def stage(bare_stage: Stage) -> Stage:
    """A stage with one replica."""
    await bare_stage.replica()
    return bare_stage
