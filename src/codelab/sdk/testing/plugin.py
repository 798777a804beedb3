"""The pytest plugin: fixtures for the tests of CodeLab's plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelab.sdk.testing.folder_workspace import FolderWorkspace
from codelab.sdk.testing.tool_runner import ToolRunner


@pytest.fixture
def folder_workspace(tmp_path: Path) -> FolderWorkspace:
    """An empty project folder of the test's own; commands run in it without a sandbox."""
    root = tmp_path / "project"
    root.mkdir()
    return FolderWorkspace(root)


@pytest.fixture
def tool_runner(folder_workspace: FolderWorkspace) -> ToolRunner:
    """Runs tools in `folder_workspace` as the server does, approvals included."""
    return ToolRunner(folder_workspace)
