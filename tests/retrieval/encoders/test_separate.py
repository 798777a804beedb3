"""Vectors that are made in a process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codelab.retrieval.encoders.separate import SeparateEncoder
from codelab.retrieval.encoders.static import open_static
from codelab.retrieval.errors import EncoderUnavailable
from tests.retrieval.indexing.conftest import until


def processes() -> set[int]:
    own = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    command_lines = {int(one): Path(f"/proc/{one}/cmdline").read_bytes() for one in own}
    return {one for one, line in command_lines.items() if b"spawn_main" in line}


@pytest.fixture
def others() -> set[int]:
    """The processes that earlier tests have not ended yet."""
    return processes()


@pytest.fixture
async def encoder(others: set[int]) -> AsyncIterator[SeparateEncoder]:
    made = SeparateEncoder("static")
    await made.open()
    yield made
    await made.close()


async def test_they_are_those_that_this_process_would_make(encoder: SeparateEncoder) -> None:
    here = await open_static()
    assert (encoder.name, encoder.batch) == (here.name, here.batch)
    texts = ["def total(prices):", "Где складываются цены?", ""]
    assert await encoder.documents(texts) == await here.documents(texts)
    assert await encoder.question("prices") == await here.question("prices")


async def test_a_process_that_ends_is_started_again(
    encoder: SeparateEncoder, others: set[int]
) -> None:
    before = await encoder.question("prices")
    (process_id,) = processes() - others
    asked = asyncio.create_task(encoder.documents(["a long text " * 10_000] * 200))
    os.kill(process_id, signal.SIGKILL)
    with pytest.raises(EncoderUnavailable, match="started again"):
        await asked
    assert await encoder.question("prices") == before
    assert processes().isdisjoint({process_id})


async def test_it_ends_with_its_encoder_in_the_middle_of_a_batch(others: set[int]) -> None:
    encoder = SeparateEncoder("static")
    await encoder.open()
    (process_id,) = processes() - others
    asked = asyncio.create_task(encoder.documents(["a long text " * 10_000] * 200))
    await asyncio.sleep(0)
    await encoder.close()
    with pytest.raises((EncoderUnavailable, asyncio.CancelledError)):
        await asked
    await until(lambda: process_id not in processes())
