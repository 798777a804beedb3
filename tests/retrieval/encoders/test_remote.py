"""A model elsewhere is asked in its own way, and its failures are told as they are."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest

from codelab.kit.errors import CodeLabError
from codelab.retrieval.encoders.remote import Embedded, RemoteEncoder
from codelab.retrieval.errors import EncoderUnavailable, TextRefused


class Refused(CodeLabError):
    code = "context_too_long"


class Limited(CodeLabError):
    code = "model_rate_limited"
    retryable = True


class NoKey(CodeLabError):
    code = "model_auth_failed"


class Model:
    """Answers as the script says; otherwise with one vector for each text."""

    def __init__(self, name: str = "openai/some-model", vector: Sequence[float] = (3.0, 4.0)):
        self.name = name
        self.vector = vector
        self.asked: list[tuple[list[str], int | None]] = []
        self.script: list[Embedded | CodeLabError] = []

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> Embedded:
        self.asked.append((list(texts), dimensions))
        said = self.script.pop(0) if self.script else Embedded([self.vector] * len(texts), 0.5)
        if isinstance(said, CodeLabError):
            raise said
        return said


class Sleeper:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_vectors_are_of_unit_length_and_the_cost_is_told() -> None:
    encoder = RemoteEncoder(Model())
    answer = await encoder.documents(["a", "b"])
    assert [list(vector) for vector in answer.vectors] == [pytest.approx([0.6, 0.8])] * 2
    assert answer.cost_usd == 0.5
    assert math.hypot(*await encoder.question("a")) == pytest.approx(1)
    nothing = RemoteEncoder(Model(vector=(0.0, 0.0)))
    assert list(await nothing.question("a")) == [0.0, 0.0]


async def test_the_model_is_asked_in_its_own_way() -> None:
    model = Model("huggingface/intfloat/e5-base-v2")
    encoder = RemoteEncoder(model)
    await encoder.documents(["text", "", "ж" * 5000])
    await encoder.question("where?")
    (documents, _), (question, _) = model.asked
    assert documents[:2] == ["passage: text", "passage:  "]
    assert len(documents[2]) < 520
    assert question == ["query: where?"]


async def test_dimensions_are_asked_for_and_checked() -> None:
    model = Model("openai/text-embedding-3-small")
    with pytest.raises(EncoderUnavailable, match="1536"):
        await RemoteEncoder(model).question("a")
    short = RemoteEncoder(model, dimensions=2)
    await short.question("a")
    assert model.asked[-1][1] == 2
    assert short.name != RemoteEncoder(model).name


@pytest.mark.parametrize(
    "said",
    [
        Embedded([[1.0, 0.0]]),
        Embedded([[1.0, 0.0], [1.0]]),
        Embedded([[1.0, 0.0], [math.nan, 0.0]]),
    ],
)
async def test_an_answer_that_makes_no_sense_is_none(said: Embedded) -> None:
    model = Model()
    model.script = [said]
    with pytest.raises(EncoderUnavailable):
        await RemoteEncoder(model).documents(["a", "b"])


async def test_what_passes_is_tried_again_and_what_does_not_is_told() -> None:
    sleep, model = Sleeper(), Model()
    encoder = RemoteEncoder(model, sleep=sleep)
    model.script = [Limited("Later."), Limited("Later.", retry_after_s=10)]
    assert len((await encoder.documents(["a"])).vectors) == 1
    assert 1 <= sleep.slept[0] <= 1.5 and 10 <= sleep.slept[1] <= 15

    model.script = [Limited("Later.")] * 3
    with pytest.raises(EncoderUnavailable, match="Later"):
        await encoder.documents(["a"])
    assert model.script == []

    asked = len(model.asked)
    for failure in (NoKey("No key."), Limited("At noon.", retry_after_s=900)):
        model.script = [failure]
        with pytest.raises(EncoderUnavailable) as told:
            await encoder.documents(["a"])
        assert (told.value.message, told.value.retry_after_s) == (
            failure.message,
            failure.retry_after_s,
        )
    assert len(model.asked) == asked + 2

    model.script = [Refused("Too long.")]
    with pytest.raises(TextRefused, match="Too long"):
        await encoder.documents(["a"])


async def test_a_question_is_asked_once() -> None:
    sleep, model = Sleeper(), Model()
    model.script = [Limited("Later.")]
    with pytest.raises(EncoderUnavailable):
        await RemoteEncoder(model, sleep=sleep).question("a")
    assert (len(model.asked), sleep.slept) == (1, [])


async def test_a_cancellation_goes_through() -> None:
    reached = asyncio.Event()

    class Stuck(Model):
        async def embed(self, texts: Sequence[str], dimensions: int | None) -> Embedded:
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError

    task = asyncio.create_task(RemoteEncoder(Stuck()).documents(["a"]))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
