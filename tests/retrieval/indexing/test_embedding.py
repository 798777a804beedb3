"""Vectors come in the background, and what happens to them is told as it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path

import pytest

from codelab.kit.errors import CodeLabError
from codelab.retrieval.encoders.encoder import Encoded
from codelab.retrieval.errors import EncoderUnavailable, IndexBroken, TextRefused
from codelab.retrieval.indexing.embedding import EmbeddingQueue
from codelab.retrieval.indexing.embedding_state import EmbeddingStatus
from codelab.retrieval.vectors.sqlite_vec import SqliteVectorStore
from codelab.retrieval.vectors.store import Vector


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Encoder:
    """Answers as the script says; otherwise with a vector of so many dimensions."""

    batch = 4

    def __init__(self, name: str = "model", dimensions: int = 3) -> None:
        self.name = name
        self.dimensions = dimensions
        self.asked: list[list[str]] = []
        self.failures: list[CodeLabError] = []
        self.bad = ""
        self.held_from = 0
        self.hold = asyncio.Event()

    async def documents(self, texts: Sequence[str]) -> Encoded:
        self.asked.append(list(texts))
        if 0 < self.held_from <= len(self.asked):
            await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.bad and self.bad in texts:
            raise TextRefused("It takes no such text.")
        return Encoded([await self.question(text) for text in texts], 0.25)

    async def question(self, text: str) -> Vector:
        return [1.0] + [0.0] * (self.dimensions - 1)

    async def close(self) -> None:
        pass

    def texts(self) -> list[str]:
        return sorted(text for batch in self.asked for text in batch)


class Project:
    """The pieces of workspaces, as an index would tell them.

    A piece lies in the file that its text names before a sign of equality.
    """

    def __init__(self, **texts: Sequence[str]) -> None:
        self.now = {name: list(each) for name, each in texts.items()}
        self.earlier: list[str] = []
        self.vanished: set[str] = set()
        self.is_broken = False
        self.meanwhile: Callable[[], None] = lambda: None

    async def wanted(
        self, workspace_id: str, paths: Collection[str] | None = None
    ) -> Collection[str]:
        if self.is_broken and workspace_id == "one":
            raise IndexBroken("The index is damaged.")
        now = self.now[workspace_id]
        told = [digest(text) for text in now if paths is None or text.partition("=")[0] in paths]
        if paths is not None:
            self.meanwhile()
        return told

    async def retained(self, workspace_id: str) -> Collection[str]:
        return [digest(text) for text in [*self.now[workspace_id], *self.earlier]]

    async def texts(self, workspace_id: str, digests: Collection[str]) -> Mapping[str, str]:
        known = {digest(text): text for text in self.now[workspace_id]}
        return {
            each: known[each]
            for each in digests
            if each in known and known[each] not in self.vanished
        }


class Stage:
    """A queue with what it works on, and what it said."""

    def __init__(self, root: Path, project: Project, encoder: Encoder) -> None:
        self.project = project
        self.encoder = encoder
        self.store = SqliteVectorStore(root, encoder.name)
        self.said: list[tuple[str, EmbeddingStatus]] = []
        self.slept: list[float] = []
        self.awake = asyncio.Event()
        self.awake.set()
        self._news = asyncio.Event()
        self.queue = EmbeddingQueue(
            project, encoder, self.store, self.hear, sleep=self.sleep, clock=self.clock
        )
        self.queue.start()

    def hear(self, workspace_id: str, status: EmbeddingStatus) -> None:
        self.said.append((workspace_id, status))
        self._news.set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.awake.wait()

    def clock(self) -> float:
        # The encoder takes a quarter of a second for a batch.
        return 0.25 * len(self.encoder.asked)

    async def until(self, state: str, workspace_id: str = "one") -> EmbeddingStatus:
        return await self.when(lambda status: status.state == state, workspace_id)

    async def when(
        self, test: Callable[[EmbeddingStatus], bool], workspace_id: str = "one"
    ) -> EmbeddingStatus:
        while not test(self.queue.status(workspace_id)):
            self._news.clear()
            await self._news.wait()
        return self.queue.status(workspace_id)

    async def has(self, *texts: str, workspace_id: str = "one") -> bool:
        known = await self.store.known(workspace_id, [digest(text) for text in texts])
        return known == {digest(text) for text in texts}

    async def close(self) -> None:
        await self.queue.close()
        await self.store.close()


@contextlib.asynccontextmanager
async def staged(root: Path, project: Project, encoder: Encoder) -> AsyncIterator[Stage]:
    stage = Stage(root, project, encoder)
    try:
        yield stage
    finally:
        await stage.close()


LETTERS = list("abcdefghij")


async def test_only_what_has_no_vector_is_encoded(tmp_path: Path) -> None:
    project, encoder = Project(one=[*LETTERS, "a"]), Encoder()
    async with staged(tmp_path, project, encoder) as stage:
        assert stage.queue.status("one").state == "waiting"
        stage.queue.changed("one")
        status = await stage.until("complete")
        assert (status.done, status.total, status.cost_usd) == (10, 10, 0.75)
        assert [len(batch) for batch in encoder.asked] == [4, 4, 2]
        assert await stage.has(*LETTERS)

        project.now["one"] += ["new"]
        stage.queue.changed("one", ["new", "a", "gone"])
        await stage.when(lambda status: status.done == 11 and status.state == "complete")
        assert encoder.asked[3:] == [["new"]]
        assert {status.model for _, status in stage.said} == {"model"}


async def test_a_file_that_changes_again_while_it_is_looked_at_is_looked_at_again(
    tmp_path: Path,
) -> None:
    project, encoder = Project(one=["a"]), Encoder()
    async with staged(tmp_path, project, encoder) as stage:
        stage.queue.changed("one")
        await stage.until("complete")

        def save_again() -> None:
            project.meanwhile = lambda: None
            project.now["one"] = ["a", "b=2"]
            stage.queue.changed("one", ["b"])

        project.meanwhile = save_again
        project.now["one"] = ["a", "b=1"]
        stage.queue.changed("one", ["b"])
        await stage.when(lambda status: status.state == "complete" and "b=2" in encoder.texts())
        assert await stage.has("a", "b=2")


async def test_after_a_kill_it_goes_on_where_it_was(tmp_path: Path) -> None:
    project, encoder = Project(one=LETTERS), Encoder()
    encoder.held_from = 2
    async with staged(tmp_path, project, encoder) as stage:
        stage.queue.changed("one")
        assert (await stage.when(lambda status: status.done == 4)).state == "working"
    again = Encoder()
    async with staged(tmp_path, project, again) as stage:
        stage.queue.changed("one")
        await stage.until("complete")
        assert len(again.texts()) == 6
        assert await stage.has(*LETTERS)


async def test_an_encoder_that_is_down_is_told_of_and_asked_ever_less_often(
    tmp_path: Path,
) -> None:
    encoder = Encoder()
    encoder.failures = [EncoderUnavailable("It is away.") for _ in range(3)]
    encoder.failures.append(EncoderUnavailable("Not before noon.", retry_after_s=900))
    async with staged(tmp_path, Project(one=LETTERS), encoder) as stage:
        stage.queue.changed("one")
        status = await stage.until("complete")
        assert stage.slept == [2, 4, 8, 900]
        resting = [status for _, status in stage.said if status.state == "resting"]
        assert [status.error for status in resting] == ["It is away."] * 3 + ["Not before noon."]
        assert {status.done for status in resting} == {0}
        assert (status.error, status.done, status.retry_in_s) == ("", 10, 0)


async def test_a_text_that_is_refused_keeps_the_whole_from_being_complete(tmp_path: Path) -> None:
    encoder = Encoder()
    encoder.bad = "f"
    async with staged(tmp_path, Project(one=LETTERS), encoder) as stage:
        stage.queue.changed("one")
        status = await stage.until("incomplete")
        assert (status.done, status.total, status.refused) == (9, 10, 1)
        assert status.error == "It takes no such text."
        assert await stage.has(*(text for text in LETTERS if text != "f"))
        assert not any(status.state == "complete" for _, status in stage.said)


async def test_a_model_that_refuses_everything_is_not_asked_for_each_text(
    tmp_path: Path,
) -> None:
    encoder = Encoder()
    many = [f"text {number}" for number in range(100)]
    encoder.failures = [TextRefused("It knows no such parameter.") for _ in range(100)]
    async with staged(tmp_path, Project(one=many), encoder) as stage:
        stage.awake.clear()
        stage.queue.changed("one")
        status = await stage.until("resting")
        assert (status.error, status.done) == ("It knows no such parameter.", 0)
        assert len(encoder.asked) < 10
        encoder.failures.clear()
        stage.awake.set()
        status = await stage.until("incomplete")
        assert (status.done, status.refused) == (97, 3)
        # The next look at all of it tries them again.
        stage.queue.changed("one")
        assert (await stage.until("complete")).done == 100


async def test_what_vanished_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    project = Project(one=LETTERS)
    project.vanished = {"a", "b"}
    async with staged(tmp_path, project, Encoder()) as stage:
        stage.queue.changed("one")
        status = await stage.until("complete")
        assert (status.done, status.total) == (8, 8)


async def test_another_model_brings_its_own_and_the_old_ones_go_at_the_end(
    tmp_path: Path,
) -> None:
    project = Project(one=LETTERS)
    async with staged(tmp_path, project, Encoder("old")) as stage:
        stage.queue.changed("one")
        await stage.until("complete")
    new = Encoder("new", dimensions=5)
    new.failures = [EncoderUnavailable("It is away.")]
    async with staged(tmp_path, project, new) as stage:
        old = SqliteVectorStore(tmp_path, "old")
        stage.awake.clear()
        stage.queue.changed("one")
        await stage.until("resting")
        assert await old.count("one") == 10
        stage.awake.set()
        await stage.until("complete")
        assert await stage.has(*LETTERS)
        assert await old.count("one") == 0
        await old.close()


async def test_a_model_that_became_longer_under_its_name_begins_anew(tmp_path: Path) -> None:
    project = Project(one=LETTERS, two=["x"])
    async with staged(tmp_path, project, Encoder()) as stage:
        for name in ("one", "two"):
            stage.queue.changed(name)
            await stage.until("complete", name)
    project.now["one"].append("new")
    longer = Encoder(dimensions=5)
    async with staged(tmp_path, project, longer) as stage:
        stage.queue.changed("one")
        stage.queue.changed("two")
        await stage.until("complete")
        await stage.when(lambda _: "x" in longer.texts(), "two")
        await stage.until("complete", "two")
        assert len(await stage.store.nearest("one", await longer.question(""), 20)) == 11
        # Another server asks a shorter one by the same name: no throwing away without an end.
        longer.dimensions = 4
        project.now["one"].append("newest")
        stage.queue.changed("one")
        assert "dimensions" in (await stage.until("resting")).error
        assert await stage.store.count("one") == 11


async def test_what_was_just_written_comes_before_what_a_large_project_lacks(
    tmp_path: Path,
) -> None:
    many = [f"text {number}" for number in range(100)]
    project, encoder = Project(one=many), Encoder()
    encoder.held_from = 2
    async with staged(tmp_path, project, encoder) as stage:
        stage.queue.changed("one")
        await stage.when(lambda _: len(encoder.asked) == 2)
        project.now["one"].append("new")
        stage.queue.changed("one", ["new"])
        encoder.held_from = 0
        encoder.hold.set()
        status = await stage.until("complete")
        assert (status.done, status.total) == (101, 101)
        assert [place for place, batch in enumerate(encoder.asked) if "new" in batch] == [4]


async def test_workspaces_take_turns_and_one_that_is_broken_stops_no_other(
    tmp_path: Path,
) -> None:
    many = [f"text {number}" for number in range(100)]
    project, encoder = Project(one=many, two=["x"]), Encoder()
    async with staged(tmp_path, project, encoder) as stage:
        stage.queue.changed("one")
        stage.queue.changed("two")
        await stage.until("complete")
        seen = [(name, status.done) for name, status in stage.said]
        assert seen.index(("one", 16)) < seen.index(("two", 1)) < seen.index(("one", 20))

        project.is_broken = True
        project.now["two"].append("y")
        stage.queue.changed("one")
        stage.queue.changed("two")
        assert (await stage.until("resting")).error == "The index is damaged."
        await stage.when(lambda status: status.done == 2, "two")
        assert stage.slept == []
        project.is_broken = False
        stage.queue.changed("one")
        await stage.until("complete")


async def test_a_forgotten_workspace_gets_no_vectors_back(tmp_path: Path) -> None:
    encoder = Encoder()
    encoder.held_from = 1
    async with staged(tmp_path, Project(one=LETTERS, two=["x"]), encoder) as stage:
        stage.queue.changed("one")
        await stage.when(lambda _: bool(encoder.asked))
        forgetting = asyncio.create_task(stage.queue.forget("one"))
        await asyncio.sleep(0)
        encoder.hold.set()
        await forgetting
        stage.queue.changed("two")
        await stage.until("complete", "two")
        assert await stage.store.count("one") == 0


async def test_vectors_of_earlier_versions_stay_until_they_are_many(tmp_path: Path) -> None:
    project, encoder = Project(one=LETTERS), Encoder()
    encoder.batch = 500
    async with staged(tmp_path, project, encoder) as stage:
        old = {digest(f"old {number}"): [1.0, 0.0, 0.0] for number in range(900)}
        await stage.store.put("one", old)
        stage.queue.changed("one")
        await stage.until("complete")
        assert await stage.store.count("one") == 910
        more = {digest(f"older {number}"): [1.0, 0.0, 0.0] for number in range(300)}
        await stage.store.put("one", more)
        project.earlier = ["old 1"]
        said = len(stage.said)
        stage.queue.changed("one")
        await stage.when(lambda status: len(stage.said) > said and status.state == "complete")
        assert await stage.store.count("one") == 11


@pytest.mark.parametrize("length", [1, 40_000, 400_000])
async def test_batches_are_neither_many_nor_long(tmp_path: Path, length: int) -> None:
    texts = [letter * length for letter in LETTERS]
    encoder = Encoder()
    encoder.batch = 10
    async with staged(tmp_path, Project(one=texts), encoder) as stage:
        stage.queue.changed("one")
        await stage.until("complete")
        assert encoder.texts() == texts
        assert len(encoder.asked) == {1: 1, 40_000: 2, 400_000: 10}[length]
