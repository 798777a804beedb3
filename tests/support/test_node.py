"""The programs of others are there, exactly as locked, or the tests say why not."""

import json
import subprocess

import pytest

from tests.support import node


@pytest.mark.skipif(node.absent() is not None, reason=str(node.absent()))
def test_the_locked_programs_run() -> None:
    wanted = json.loads((node.FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    for package, version in wanted.items():
        assert json.loads(node.script(package, "package.json").read_text("utf-8"))["version"] == (
            version
        )
    aimock = node.script("@copilotkit/aimock", "dist", "aimock-cli.js")
    assert subprocess.run(["node", aimock, "--help"], capture_output=True, check=False).stdout


def test_the_lock_files_name_no_address() -> None:
    for folder in (node.FOLDER, node.AGENTS):
        assert "://" not in (folder / "package-lock.json").read_text("utf-8")
