"""The folder of an index: who writes it, who reads it, and when it is made anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codelab.retrieval.errors import IndexBroken, IndexLocked, IndexOutdated, IndexUnwritable
from codelab.retrieval.index.connecting import run, writing
from codelab.retrieval.index.opening import Engine, WritableIndex, readable
from tests.retrieval.index.making import entry

_ENGINES: tuple[Engine, ...] = ("fts5", "tantivy")


def _filled(folder: Path, engine: Engine) -> None:
    index = WritableIndex(folder, engine)
    with index.writer.batch():
        index.writer.put(entry(f"src/{n}.py", f"apples_{n} = {n}\n" * 99) for n in range(60))
    index.close()


@pytest.mark.parametrize("engine", _ENGINES)
def test_an_index_is_made_once_and_kept(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "workspace"
    assert readable(folder) is None
    index = WritableIndex(folder, engine)
    assert (index.is_new, index.was_broken) == (True, False)
    index.close()
    _filled(folder, engine)
    index = WritableIndex(folder, engine)
    assert (index.is_new, index.was_broken) == (False, False)
    assert index.writer.coverage().files == 60
    index.close()


@pytest.mark.parametrize("engine", _ENGINES)
def test_there_is_one_writer_and_any_number_of_readers(engine: Engine, tmp_path: Path) -> None:
    _filled(tmp_path, engine)
    index = WritableIndex(tmp_path, engine)
    with pytest.raises(IndexLocked):
        WritableIndex(tmp_path, engine)
    first, second = readable(tmp_path), readable(tmp_path)
    assert first is not None
    assert second is not None
    with index.writer.batch():
        index.writer.put([entry("new.py", "pears = 1")])
        assert first.lexical.best("piece", ["pear"], 9) == []
        assert first.catalogue.file("new.py") is None
    for reader in (first, second):
        (row, _) = reader.lexical.best("piece", ["pear"], 9)[0]
        assert reader.catalogue.pieces([row])[row].path == "new.py"
        reader.close()
    index.close()
    WritableIndex(tmp_path, engine).close()


@pytest.mark.parametrize("engine", _ENGINES)
def test_readers_of_a_renewed_index_are_not_disturbed_and_see_it(
    engine: Engine, tmp_path: Path
) -> None:
    _filled(tmp_path, engine)
    index = WritableIndex(tmp_path, engine)
    reader = readable(tmp_path)
    assert reader is not None
    assert not reader.was_replaced()
    index.renew()
    assert index.is_new
    assert reader.was_replaced()
    assert reader.catalogue.coverage().files == 60
    with index.writer.batch():
        index.writer.put([entry("new.py", "pears = 1")])
    reader.close()
    with index.writer.batch():
        index.writer.put([entry("newer.py", "pears = 2")])
    again = readable(tmp_path)
    assert again is not None
    assert again.catalogue.coverage().files == 2
    again.close()
    index.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["2", "lock"]


def test_another_engine_begins_anew(tmp_path: Path) -> None:
    _filled(tmp_path, "fts5")
    index = WritableIndex(tmp_path, "tantivy")
    assert (index.is_new, index.was_broken) == (True, False)
    assert index.writer.coverage().files == 0
    index.close()


def test_an_index_of_another_release_begins_anew(tmp_path: Path) -> None:
    _filled(tmp_path, "fts5")
    connection = writing(tmp_path / "1" / "catalogue.db")
    run(connection, "PRAGMA user_version = 0")
    connection.close()
    with pytest.raises(IndexOutdated):
        readable(tmp_path)
    index = WritableIndex(tmp_path, "fts5")
    assert (index.is_new, index.was_broken) == (True, False)
    index.close()


def _foreign(file: Path) -> None:
    file.write_bytes(b"no database at all " * 999)


def _zeroed(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096 : len(data) // 2] = bytes(len(data) // 2 - 4096)
    file.write_bytes(data)


def _cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [_foreign, _zeroed, _cut_short, _empty, Path.unlink])
def test_a_broken_catalogue_is_made_anew_and_said_so(damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    _filled(tmp_path, "fts5")
    damage(tmp_path / "1" / "catalogue.db")
    with pytest.raises((IndexBroken, IndexUnwritable)):
        reader = readable(tmp_path)
        assert reader is not None
        for file in reader.catalogue.files():
            reader.catalogue.pieces_of(file.path)
        reader.lexical.best("piece", ["appl"], 99)
    index = WritableIndex(tmp_path, "fts5")
    assert (index.is_new, index.was_broken) == (True, True)
    assert index.writer.coverage().files == 0
    index.close()


def test_a_broken_full_text_index_is_made_anew(tmp_path: Path) -> None:
    _filled(tmp_path, "tantivy")
    for file in (tmp_path / "1" / "lexical").rglob("*"):
        if file.is_file() and "lock" not in file.name:
            file.write_bytes(b"\xff" * file.stat().st_size)
    index = WritableIndex(tmp_path, "tantivy")
    assert (index.is_new, index.was_broken) == (True, True)
    index.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnwritable):
        WritableIndex(tmp_path / "file", "fts5")


def test_what_reads_with_fts5_needs_no_tantivy() -> None:
    code = (
        "import sys, codelab.retrieval.index.opening\n"
        "assert not [name for name in sys.modules if name.startswith('tantivy')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
