"""A repository of people, as they have left it."""

from pathlib import Path

import pytest

from tests.workspace.places import git


@pytest.fixture
def repository(root: Path) -> Path:
    """Two files in one commit, on main."""
    git(root, "init", "-q", "-b", "main")
    (root / "a.txt").write_text("one\ntwo\nthree\n", "utf-8")
    (root / "b.txt").write_text("one\n", "utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root
