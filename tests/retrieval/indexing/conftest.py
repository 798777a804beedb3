import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from codelab.retrieval.index.opening import ReadableIndex, readable
from codelab.retrieval.indexing.frames import Place
from codelab.retrieval.indexing.supervisor import Supervisor
from codelab.retrieval.ranking.terms import terms


class Project:
    """A folder with sources, and the index that is made of it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.place = Place("w" * 32, str(root), str(folder))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def read(self) -> ReadableIndex | None:
        return readable(self.folder)

    def paths(self) -> list[str]:
        """All that the index has, also what is left out."""
        index = self.read()
        if index is None:
            return []
        try:
            return sorted(file.path for file in index.catalogue.files())
        finally:
            index.close()

    def skipped(self) -> dict[str, str]:
        index = self.read()
        assert index is not None
        try:
            return {one.path: one.skipped for one in index.catalogue.files() if one.skipped}
        finally:
            index.close()

    def how(self, path: str) -> str:
        index = self.read()
        assert index is not None
        try:
            file = index.catalogue.file(path)
            return file.how if file else ""
        finally:
            index.close()

    def find(self, question: str) -> list[str]:
        """The files whose pieces share a term with the question, in order."""
        index = self.read()
        if index is None:
            return []
        try:
            rows = [row for row, _ in index.lexical.best("piece", terms(question), 100)]
            return sorted({one.path for one in index.catalogue.pieces(rows).values()})
        finally:
            index.close()

    def said(self, question: str) -> list[str]:
        """The files of which the subjects of past commits share a term with the question."""
        index = self.read()
        assert index is not None
        try:
            rows = [row for row, _ in index.lexical.best("history", terms(question), 100)]
            return sorted(index.catalogue.paths(rows).values())
        finally:
            index.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    return Project(root, tmp_path / "index" / ("w" * 32))


MakeSupervisor = Callable[..., Supervisor]


@pytest.fixture
async def make_supervisor(project: Project) -> AsyncIterator[MakeSupervisor]:
    made: list[Supervisor] = []

    def make(longest_file_s: float = 10.0) -> Supervisor:
        folder = str(project.folder.parent)
        made.append(Supervisor("fts5", folder, longest_file_s=longest_file_s))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def until(is_so: Callable[[], bool], within_s: float = 40) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"
        await asyncio.sleep(0.01)
