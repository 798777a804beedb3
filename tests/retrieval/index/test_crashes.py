"""What is left of an index when its process is killed at any moment, or the disk is full."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from codelab.retrieval.index.opening import Engine, WritableIndex, readable
from codelab.retrieval.index.writer import HISTORY
from tests.retrieval.index.making import entry
from tests.support.chance import Chance

_ENGINES: tuple[Engine, ...] = ("fts5", "tantivy")


def _child(folder: Path, engine: Engine, how: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "tests.retrieval.index.child", str(folder), engine, how)
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def _assert_in_step(folder: Path) -> int:
    """See that whatever the catalogue has is found, and nothing else is; return the batch."""
    index = readable(folder)
    assert index is not None
    files = {file.path: file for file in index.catalogue.files()}
    known = index.catalogue.paths_of_versions(index.lexical.rows("file"))
    assert set(known.values()) == set(files)
    pieces = index.catalogue.pieces(index.lexical.rows("piece"))
    for path, file in files.items():
        own = index.catalogue.pieces_of(path)
        assert own
        assert [one.first for one in own] == [1, *(one.last + 1 for one in own[:-1])]
        assert own[-1].last == file.lines
        assert all(one.version == file.digest and one.id in pieces for one in own)
    assert len(pieces) == sum(len(index.catalogue.pieces_of(path)) for path in files)
    batch = int(index.catalogue.state("batch") or 0)
    assert index.lexical.batch() == batch
    index.close()
    return batch


@pytest.mark.parametrize("engine", _ENGINES)
def test_a_kill_at_any_moment_leaves_whole_batches(engine: Engine, tmp_path: Path) -> None:
    done = 0
    chance = Chance(7)
    for batches in (1, 4, 9):
        with _child(tmp_path, engine, "for-ever") as child:
            assert child.stdout is not None
            for _ in range(batches):
                child.stdout.readline()
            time.sleep(chance.between(0, 0.05))
            child.kill()
        WritableIndex(tmp_path, engine).close()
        batch = _assert_in_step(tmp_path)
        assert batch >= done + batches
        done = batch


@pytest.mark.parametrize("engine", _ENGINES)
def test_a_kill_between_the_two_commits_is_caught_up_with(engine: Engine, tmp_path: Path) -> None:
    index = WritableIndex(tmp_path, engine)
    with index.writer.batch():
        index.writer.put([entry("kept.py", "kept = 1"), entry("src/file_3.py", "older = 1")])
        index.writer.note(HISTORY, "abc")
    index.close()
    with _child(tmp_path, engine, "between") as child:
        child.wait()
    index = WritableIndex(tmp_path, engine)
    assert not index.was_broken
    assert index.writer.file("kept.py") is not None
    # FTS5 has the batch of the catalogue; what tantivy lost is unknown, and will be read again.
    happened = engine == "fts5"
    assert (index.writer.file("src/file_3.py") is not None) == happened
    assert (index.writer.state(HISTORY) == "abc") == happened
    index.close()
    assert _assert_in_step(tmp_path) > 1


def test_a_full_text_index_that_is_ahead_is_not_believed(tmp_path: Path) -> None:
    index = WritableIndex(tmp_path, "tantivy")
    for number in range(3):
        with index.writer.batch():
            index.writer.put([entry(f"file_{number}.py", "a = 1")])
    index.close()
    (tmp_path / "1" / "lexical" / "batch").write_text("9")
    index = WritableIndex(tmp_path, "tantivy")
    assert list(index.writer.files()) == []
    index.close()
    assert _assert_in_step(tmp_path) == 4


@pytest.mark.parametrize("engine", _ENGINES)
def test_a_full_disk_leaves_what_was_there_and_is_got_over(engine: Engine, tmp_path: Path) -> None:
    with _child(tmp_path, engine, "full") as child:
        assert child.stdout is not None
        done, last = (int(line) for line in child.stdout)
    assert child.returncode == 0
    assert done > 0
    index = readable(tmp_path)
    assert index is not None
    names = {one.name for one in index.catalogue.symbols("number", "prefix", 999)}
    assert f"number_{last}" in names
    assert f"number_{done + 1}" not in names
    index.close()
    _assert_in_step(tmp_path)
