"""How long a model may take: to begin, between two pieces, in all, and for vectors."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from codelab.llm.errors import AnswerTimeout, ModelTimeout
from codelab.llm.providers.embeddings import embedding_request
from codelab.llm.time_limits import TimeLimited, TimeLimits
from codelab.sdk.model import Completion, Delta, ModelRequest, OnDelta

CHAT = ModelRequest(model="m", messages=())
VECTORS = embedding_request("m", ["one", "two"], None)


class Dribbling:
    """A model that says one word after the other, for ever or so often."""

    def __init__(self, pause_s: float, times: int | None = None) -> None:
        self._pause_s = pause_s
        self._times = times
        self.was_cut = False

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        said = 0
        try:
            while said != self._times:
                await asyncio.sleep(self._pause_s)
                said += 1
                on_delta(Delta("well "))
        except asyncio.CancelledError:
            self.was_cut = True
            raise
        return Completion(model=request.model, text="well " * said)


class Slow:
    """A model that says all at once, after a while."""

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        await asyncio.sleep(0.15)
        return Completion(model=request.model, text="")


def nobody(delta: Delta) -> None:
    """Take a piece and do nothing with it."""


async def test_an_answer_without_an_end_is_cut_off_with_a_sentence_of_its_own() -> None:
    client = Dribbling(0.01)
    limited = TimeLimited(client, TimeLimits(first_token_s=5, idle_s=5, answer_s=0.1))
    async with asyncio.timeout(3):
        with pytest.raises(AnswerTimeout) as caught:
            await limited.stream(CHAT, nobody)
    assert caught.value.message == "m was still answering after 0.1 s and was cut off."
    assert not caught.value.retryable
    assert client.was_cut


async def test_it_is_the_shorter_limit_that_counts() -> None:
    limited = TimeLimited(Dribbling(5), TimeLimits(first_token_s=0.05, idle_s=5, answer_s=0.06))
    with pytest.raises(ModelTimeout) as caught:
        await limited.stream(CHAT, nobody)
    assert caught.value.message == "m did not start to answer within 0.05 s."
    limited = TimeLimited(Dribbling(5), TimeLimits(first_token_s=0.06, idle_s=5, answer_s=0.05))
    with pytest.raises(AnswerTimeout):
        await limited.stream(CHAT, nobody)


@pytest.mark.parametrize("client", [lambda: Dribbling(0.05, times=4), Slow])
async def test_an_answer_may_take_as_long_as_all_limits_allow(
    client: Callable[[], Dribbling | Slow],
) -> None:
    limited = TimeLimited(client(), TimeLimits(first_token_s=5, idle_s=5, answer_s=5))
    assert (await limited.stream(CHAT, nobody)).model == "m"


async def test_vectors_have_a_limit_of_their_own() -> None:
    short = TimeLimits(first_token_s=0.02, idle_s=0.02, answer_s=0.02, embedding_s=5)
    assert (await TimeLimited(Slow(), short).stream(VECTORS, nobody)).model == "m"
    with pytest.raises(ModelTimeout) as caught:
        await TimeLimited(Slow(), TimeLimits(embedding_s=0.05)).stream(VECTORS, nobody)
    assert "within 0.05 s" in caught.value.message


async def test_what_was_cut_off_keeps_nothing() -> None:
    """A long answer is gone with its error, without anybody looking for garbage."""
    gc.collect()
    gc.disable()
    try:
        client = Dribbling(0.001)
        left = weakref.ref(client)
        limits = TimeLimits(first_token_s=5, idle_s=5, answer_s=0.05)
        asking = asyncio.create_task(TimeLimited(client, limits).stream(CHAT, nobody))
        await asyncio.wait([asking])
        assert isinstance(asking.exception(), AnswerTimeout)
        del client, asking
        # Until the loop has forgotten it, too.
        await asyncio.sleep(0)
        assert left() is None
    finally:
        gc.enable()
