"""An installation with the shipped plugins, built once for each test process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.distributions import REVIEW, Site


@pytest.fixture(scope="session")
def review_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """CodeLab with codelab-review installed."""
    site = Site(tmp_path_factory.mktemp("review"))
    site.install(REVIEW)
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """CodeLab with nothing installed beside it."""
    return Site(tmp_path)
