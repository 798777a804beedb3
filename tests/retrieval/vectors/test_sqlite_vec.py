"""What only a store in files has to stand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from codelab.retrieval.errors import VectorsUnavailable
from codelab.retrieval.vectors.sqlite_vec import SqliteVectorStore

A, B = "aa" * 32, "bb" * 32


def the_file(root: Path) -> Path:
    (found,) = (root / "one" / "vectors").glob("*.db")
    return found


def open_databases(folder: Path) -> set[Path]:
    found = (link.resolve() for link in Path("/proc/self/fd").iterdir())
    return {path for path in found if path.is_relative_to(folder) and path.suffix == ".db"}


async def test_a_damaged_file_holds_nothing_and_is_made_anew(tmp_path: Path) -> None:
    store = SqliteVectorStore(tmp_path, "model")
    await store.put("one", {A: (1.0, 0.0)})
    await store.close()
    the_file(tmp_path).write_bytes(b"this is no database, and never was one " * 400)
    assert await store.nearest("one", (1.0, 0.0), 5) == []
    assert await store.known("one", [A]) == set()
    await store.put("one", {B: (0.0, 1.0)})
    assert await store.known("one", [A, B]) == {B}
    await store.close()


async def test_two_processes_share_a_file_and_one_may_remove_it(tmp_path: Path) -> None:
    writer, reader = SqliteVectorStore(tmp_path, "model"), SqliteVectorStore(tmp_path, "model")
    await writer.put("one", {A: (1.0, 0.0)})
    assert await reader.count("one") == 1
    await writer.put("one", {B: (0.0, 1.0)})
    assert await reader.count("one") == 2
    await writer.forget("one")
    assert await reader.count("one") == 0
    await writer.put("one", {B: (0.0, 1.0)})
    assert await reader.known("one", [A, B]) == {B}
    await writer.close()
    await reader.close()


async def test_a_component_takes_one_byte(tmp_path: Path) -> None:
    store = SqliteVectorStore(tmp_path, "model")
    await store.put("one", {A: [0.0625] * 256})
    await store.close()
    with sqlite3.connect(the_file(tmp_path)) as db:
        assert db.execute("SELECT length(scaled) FROM vectors").fetchall() == [(256,)]
    db.close()


async def test_many_workspaces_hold_few_files_open(tmp_path: Path) -> None:
    store = SqliteVectorStore(tmp_path, "model")
    for number in range(24):
        await store.put(str(number), {A: (1.0, 0.0)})
    assert 0 < len(open_databases(tmp_path)) <= 16
    assert await store.count("0") == 1
    await store.close()


async def test_a_folder_that_takes_nothing_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("in the way", "utf-8")
    store = SqliteVectorStore(tmp_path, "model")
    with pytest.raises(VectorsUnavailable):
        await store.put("one", {A: (1.0, 0.0)})
    await store.close()
