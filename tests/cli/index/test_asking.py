"""`codelab index status` and `rebuild` before a real server."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from codelab.cli.index.asking import lines_of
from tests.cli.installed import DEADLINE_S, NAME, PASSWORD, Installation

SIGNED_IN = {"CODELAB_USERNAME": NAME, "CODELAB_PASSWORD": PASSWORD, "CODELAB_EMBEDDING_MODEL": ""}
NO_VECTORS = {"model": "", "store": "", "state": "off", "cost_usd": 0, "note": ""}


def test_an_index_is_shown_and_made_anew(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "cart.py").write_text("def total(prices):\n    return sum(prices)\n")
    (project / "logo.png").write_bytes(b"\x89PNG\x00\x00")
    installation = Installation(tmp_path / "home")
    installation.home.mkdir()
    installation.environment["CODELAB_INDEX_ENGINE"] = "fts5"
    installation.add_user()

    def index(*words: str) -> subprocess.CompletedProcess[str]:
        return installation.run("index", *words, environment=SIGNED_IN)

    assert "codelab serve" in index("status").stderr
    with installation.serving("--workspace", str(project)):
        server = ("--server", installation.url)
        nowhere = index("status", "nothing", *server)
        assert nowhere.returncode == 1 and "'nothing'" in nowhere.stderr
        deadline = time.monotonic() + DEADLINE_S
        while "up to date" not in (shown := index("status", *server)).stdout:
            assert time.monotonic() < deadline, shown.stdout + shown.stderr
        lines = shown.stdout.splitlines()
        assert lines[0] == "shop: up to date" and lines[1].startswith("  found whole ")
        assert "  1 files, 2 lines, 0.0 MB; 1 pieces, 1 symbols" in lines
        assert "    Python: 1 files, 2 lines" in lines and "  only by path: 1 binary" in lines
        again = index("rebuild", str(project), *server)
        assert again.returncode == 0, again.stderr
        assert again.stdout.startswith("The index of shop is being made anew: codelab index status")


def test_what_is_not_whole_says_what_it_lacks() -> None:
    index: dict[str, Any] = {"state": "indexing", "done": 10, "of": 2000, "compared_at": 0}
    index |= {"note": "The disk is full.\x1b", "coverage": None}
    vectors = {"model": "m", "store": "sqlite", "state": "resting", "done": 1, "total": 1500}
    vectors |= {"cost_usd": 0.25, "note": "It does not answer."}
    assert [*lines_of({"name": "shop"}, index | {"vectors": vectors}, 0.0)] == [
        "shop: being compared with the files",
        "  10 of 2,000 changed files",
        "  The disk is full.\\u001b",
        "  vectors: resting, 1 of 1,500 (m, sqlite, $0.2500)",
        "  vectors: It does not answer.",
    ]
    known = index | {"state": "new", "note": "", "compared_at": 90.0, "vectors": NO_VECTORS}
    lines = [*lines_of({"name": "shop"}, known, 100.0)]
    assert lines == ["shop: new", "  found whole 10 s ago"]
