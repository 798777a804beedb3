"""What is put into the index is found, and what went is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from codelab.retrieval.chunks.chunking import Definition
from codelab.retrieval.errors import IndexUnwritable
from codelab.retrieval.index import schema
from codelab.retrieval.index.connecting import run, writing
from codelab.retrieval.index.entries import Match, Stat
from codelab.retrieval.index.fts5 import Fts5Index
from codelab.retrieval.index.lexical import Field, LexicalIndex
from codelab.retrieval.index.writer import Writer
from codelab.retrieval.ranking.terms import terms
from tests.retrieval.index.making import STAT, digest, entry, function


class Opened(msgspec.Struct):
    connection: apsw.Connection
    writer: Writer
    lexical: LexicalIndex

    def best(self, question: str) -> list[str]:
        rows = [row for row, _ in self.lexical.best("piece", terms(question), 99)]
        found = self.writer.pieces(rows)
        return [found[row].path for row in rows if row in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


@pytest.fixture
def index(file: Path) -> Iterator[Opened]:
    connection = writing(file)
    schema.create(connection)
    Fts5Index.create(connection)
    lexical = Fts5Index(connection)
    writer = Writer(connection, lexical)
    yield Opened(connection, writer, lexical)
    writer.close()


def test_a_file_is_found_by_its_text_its_names_and_its_path(index: Opened) -> None:
    made = entry(
        "src/http/reading.py",
        "class Reader:\n    def parse_header(self):\n        return colon\n\nLIMIT = 1",
        [
            Definition(name="Reader", kind="class", first=1, last=3),
            Definition(name="parse_header", kind="method", first=2, last=3, container="Reader"),
        ],
    )
    with index.writer.batch():
        index.writer.put([made, entry("other.py", "nothing = 0")])
    for question in ("colon", "parse header", "http", "limit"):
        assert index.best(question) == ["src/http/reading.py"]
    (piece,) = index.writer.pieces_of("src/http/reading.py")
    assert (piece.first, piece.last, piece.names) == (1, 5, ("Reader", "parse_header"))
    assert (piece.version, piece.digest) == (made.digest, made.pieces[0].digest)
    assert index.writer.pieces_with([piece.digest, "00" * 16]) == {piece.digest: [piece]}
    assert set(index.writer.digests()) >= {piece.digest}
    fields: dict[Field, str] = {"file": "colon", "path": "http", "symbol": "header"}
    for field, wanted in fields.items():
        rows = [row for row, _ in index.lexical.best(field, [wanted], 9)]
        assert index.writer.paths_of_versions(rows) == {rows[0]: "src/http/reading.py"}


def test_what_was_there_before_is_no_longer_found_and_comes_back_unread(index: Opened) -> None:
    first, second = entry("a.py", "apples = 1"), entry("a.py", "pears = 1")
    later = Stat(11, 2, 3, 4, 5)
    with index.writer.batch():
        index.writer.put([first])
    with index.writer.batch():
        index.writer.put([second])
    assert (index.best("apples"), index.best("pears")) == ([], ["a.py"])
    assert index.writer.knows("a.py", first.digest)
    assert not index.writer.knows("b.py", first.digest)
    with index.writer.batch():
        assert index.writer.mark("a.py", first.digest, later)
        assert not index.writer.mark("a.py", digest("unheard"), later)
    assert (index.best("apples"), index.best("pears")) == (["a.py"], [])
    found = index.writer.file("a.py")
    assert found is not None
    assert (found.digest, found.stat) == (first.digest, later)
    assert len(index.lexical.rows("file")) == 2


def test_forgotten_and_skipped_files_are_not_found(index: Opened) -> None:
    with index.writer.batch():
        index.writer.put([entry(f"src/{name}.py", "apples = 1") for name in ("a", "b", "c")])
    with index.writer.batch():
        index.writer.forget(["src/a.py", "src/never.py"])
        index.writer.skip("src/b.py", STAT, "binary")
        index.writer.skip("huge.bin", STAT, "huge")
    assert index.best("apples") == ["src/c.py"]
    assert index.writer.below("src") == ["src/b.py", "src/c.py"]
    (piece,) = index.writer.pieces_of("src/c.py")
    for paths in (["src"], ["src/c.py", "src/a.py", "src/c.py"]):
        assert index.writer.digests_of(paths) == [piece.digest]
    assert index.writer.digests_of(["src/a.py", "sr", "src/b.py"]) == []
    known = {file.path: file.skipped for file in index.writer.files()}
    assert known == {"src/b.py": "binary", "src/c.py": "", "huge.bin": "huge"}
    assert index.writer.file("src/a.py") is None


def test_coverage_counts_what_lies_there_now(index: Opened) -> None:
    with index.writer.batch():
        index.writer.put(
            [
                entry("a.py", "def f():\n    pass\n", [function("f", 1, 2)]),
                entry("b.py", "def g():\n    pass\n", [function("g", 1, 2)]),
                entry("notes.txt", "one\n" * 99, language=""),
                entry("gone.py", "def h():\n    pass\n", [function("h", 1, 2)]),
            ]
        )
        index.writer.skip("x.bin", STAT, "binary")
    with index.writer.batch():
        index.writer.forget(["gone.py"])
    coverage = index.writer.coverage()
    assert (coverage.files, coverage.lines, coverage.size) == (3, 106, 30)
    assert (coverage.pieces, coverage.symbols) == (4, 2)
    assert coverage.languages == {"Python": (2, 6), "": (1, 100)}
    assert coverage.how == {"tree": 2, "windows": 1}
    assert coverage.skipped == {"binary": 1}


def _names(index: Opened, name: str, match: Match) -> list[str]:
    found = index.writer.symbols(name, match, 99)
    return [f"{one.container}.{one.name}" for one in found]


def test_symbols_are_found_by_spelling_by_folding_and_by_their_beginning(index: Opened) -> None:
    names = ("readHeader", "read_header", "READ_HEADER", "readHeaders", "Reader", "$read", "_")
    definitions = [
        Definition(name="Outer", kind="class", first=1, last=9),
        *(
            Definition(name=name, kind="method", first=2, last=3, container="Outer")
            for name in names
        ),
        Definition(name="Parser::readHeader", kind="function", first=5, last=6),
        Definition(name="a::b::~Parser", kind="function", first=7, last=8),
        Definition(name="Ключ", kind="constant", first=8, last=8),
    ]
    with index.writer.batch():
        index.writer.put([entry("a.cc", "x\n" * 9, definitions, language="C++")])
    assert _names(index, "readHeader", "exact") == ["Outer.readHeader", "Parser.readHeader"]
    assert _names(index, "Parser::readHeader", "exact")[0] == "Parser.readHeader"
    assert _names(index, "read_header", "folded") == [
        *("Outer.read_header", "Outer.readHeader", "Outer.READ_HEADER", "Parser.readHeader"),
    ]
    assert _names(index, "readh", "prefix")[-1] == "Outer.readHeaders"
    assert len(_names(index, "readh", "prefix")) == 5
    assert len(_names(index, "read", "prefix")) == 7
    assert _names(index, "parser", "folded") == ["a::b.~Parser"]
    assert _names(index, "Ключ", "exact") == [".Ключ"]
    assert _names(index, "_", "prefix") == ["Outer._"]
    assert _names(index, "%", "prefix") == []
    assert len(index.writer.symbols("read", "prefix", 3)) == 3
    lines = [(one.first, one.kind) for one in index.writer.symbols_of("a.cc")]
    assert lines[0] == (1, "class")
    assert lines == sorted(lines, key=lambda one: one[0])
    (piece,) = index.writer.pieces_of("a.cc")
    assert piece.names == tuple(one.name for one in definitions)


def test_history_belongs_to_paths_and_is_replaced(index: Opened) -> None:
    with index.writer.batch():
        index.writer.put([entry("a.py", "a"), entry("b.py", "b")])
        index.writer.put_history([("a.py", ["mend", "leak"]), ("b.py", ["leak"])])
    with index.writer.batch():
        index.writer.put_history([("a.py", ["polish"]), ("b.py", [])])
        index.writer.forget(["b.py"])
    assert index.lexical.best("history", ["leak"], 9) == []
    ((row, _),) = index.lexical.best("history", ["polish"], 9)
    assert index.writer.paths([row, 99]) == {row: "a.py"}


def test_a_batch_that_fails_has_not_happened(index: Opened) -> None:
    with index.writer.batch():
        index.writer.put([entry("a.py", "apples = 1")])
    with pytest.raises(ZeroDivisionError), index.writer.batch():
        index.writer.put([entry("a.py", "pears = 1"), entry("b.py", "plums = 1")])
        index.writer.note("key", "value")
        raise ZeroDivisionError
    assert (index.best("apples"), index.best("pears plums")) == (["a.py"], [])
    assert index.writer.state("key") is None
    with index.writer.batch():
        index.writer.put([entry("b.py", "plums = 1")])
    assert index.best("plums") == ["b.py"]


def test_the_oldest_versions_go_when_they_outnumber_the_current_ones(index: Opened) -> None:
    for number in range(6):
        with index.writer.batch():
            index.writer.put([entry("a.py", f"apples_{number} = 1"), entry("b.py", "same = 1")])
            index.writer.put([entry(f"branch_{number}.py", "only = here")])
    with index.writer.batch():
        index.writer.forget([f"branch_{number}.py" for number in range(6)])
        index.writer.put_history([("branch_0.py", ["never"])])
    with index.writer.batch():
        assert index.writer.prune() == 9
        assert index.writer.prune() == 0
    assert not index.writer.knows("a.py", digest("apples_0 = 1"))
    assert index.writer.knows("branch_5.py", digest("only = here"))
    assert len(index.lexical.rows("file")) == len(index.lexical.rows("path")) == 4
    assert len(index.lexical.rows("piece")) == 4
    assert index.lexical.rows("history") == set()
    assert index.best("apples only") == ["a.py"]
    # A content that was dropped is read again, under numbers that nothing had before.
    old = index.lexical.rows("piece")
    with index.writer.batch():
        index.writer.put([entry("a.py", "apples_0 = 1")])
    assert min(index.lexical.rows("piece") - old) > max(old)


def test_contents_whose_trees_take_too_long_are_remembered(index: Opened) -> None:
    with index.writer.batch():
        index.writer.avoid_tree(digest("deep"))
        index.writer.avoid_tree(digest("deep"))
    assert index.writer.is_treeless(digest("deep"))
    assert not index.writer.is_treeless(digest("flat"))


def test_a_file_that_may_not_grow_takes_nothing_by_halves(index: Opened, file: Path) -> None:
    with index.writer.batch():
        index.writer.put([entry("a.py", "apples = 1")])
    connection = writing(file)
    pages = run(connection, "PRAGMA page_count")[0][0]
    connection.close()
    run(index.connection, f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(IndexUnwritable), index.writer.batch():
        index.writer.put(entry(f"{number}.py", f"word_{number} = 1") for number in range(999))
    assert [one.path for one in index.writer.files()] == ["a.py"]
    assert index.best("apples word") == ["a.py"]
    run(index.connection, "PRAGMA max_page_count = 100000")
    with index.writer.batch():
        index.writer.put([entry("b.py", "word = 1")])
    assert index.best("word") == ["b.py"]
