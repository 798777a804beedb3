import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelab.retrieval.indexing.scanning import is_folder, look, read, scan
from codelab.workspace.api import Audience, Rules, opened_root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "outside.py").write_text("x")
    root = tmp_path / "project"
    for path in ("a.py", "src/b.py", "src/deep/c.py", "node_modules/d.js", ".env", "secret/e.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / ".gitignore").write_text("*.log\n")
    (root / "src" / "x.log").write_text("x")
    (root / ".codelabignore").write_text("/secret/\n")
    return root


@pytest.fixture
def root(project: Path) -> Iterator[int]:
    with opened_root(project) as descriptor:
        yield descriptor


RULES = Rules(Audience.AGENT)


def found(root: int, start: str = ".") -> list[str]:
    return [path for path, _ in scan(root, RULES, start)]


def test_what_agents_may_read_is_found(root: int) -> None:
    assert found(root) == ["a.py", "src/b.py", "src/deep/c.py"]
    assert found(root, "src/deep") == ["src/deep/c.py"]
    assert found(root, "gone") == []


def test_links_pipes_and_loops_are_left_out(project: Path, root: int) -> None:
    (project / "loop").symlink_to(".")
    (project / "src" / "up").symlink_to("..")
    (project / "out.py").symlink_to("../outside.py")
    (project / "same.py").symlink_to("a.py")
    os.mkfifo(project / "pipe")
    assert found(root) == ["a.py", "src/b.py", "src/deep/c.py"]
    for path in ("loop/a.py", "out.py", "same.py", "pipe", "src/up/a.py", "../outside.py", "loop"):
        assert look(root, RULES, path) is None
        assert read(root, path, 100) is None
        assert not is_folder(root, RULES, path)
    assert found(root, "loop") == []


def test_one_file_or_folder_is_looked_at(project: Path, root: int) -> None:
    stat = look(root, RULES, "src/b.py")
    assert stat is not None
    assert stat.size == 8
    content = read(root, "src/b.py", 100)
    assert content is not None
    assert (content.data, content.stat) == (b"src/b.py", stat)
    assert is_folder(root, RULES, "src")
    hidden = (".env", "secret/e.py", "node_modules/d.js", "src/x.log", "gone.py", ".codelabignore")
    assert [look(root, RULES, path) for path in hidden] == [None] * len(hidden)
    assert not is_folder(root, RULES, "secret")


def test_more_than_may_be_read_shows(project: Path, root: int) -> None:
    (project / "big.py").write_bytes(b"x" * 5000)
    content = read(root, "big.py", 1000)
    assert content is not None
    assert len(content.data) == 1001


def test_odd_names_are_left_out(project: Path, root: int) -> None:
    for name in ("a\nb.py", "a\\b.py", "\u202egnp.py", ".codelab-" + "0" * 32 + ".tmp"):
        (project / name).write_text("x")
    (project / os.fsdecode(b"\xff.py")).write_text("x")
    assert found(root) == ["a.py", "src/b.py", "src/deep/c.py"]


def test_what_vanishes_or_is_closed_is_left_out(project: Path, root: int) -> None:
    scanned = scan(root, RULES)
    assert next(scanned)[0] == "a.py"
    (project / "src" / "b.py").unlink()
    (project / "src" / "deep" / "c.py").unlink()
    (project / "src" / "deep").rmdir()
    assert [path for path, _ in scanned] == []
