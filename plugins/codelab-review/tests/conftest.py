"""A small repository with one commit."""

from __future__ import annotations

import pytest

from codelab.sdk.testing import FolderWorkspace

APP = "def total(prices):\n    return sum(prices)\n"


@pytest.fixture
async def repository(folder_workspace: FolderWorkspace) -> FolderWorkspace:
    folder_workspace.add("app.py", APP)
    folder_workspace.add("docs/guide.md", "# Guide\n\nRead me.\n")
    await folder_workspace.commit()
    return folder_workspace
