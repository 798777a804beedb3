"""Local encoders in a process of their own: a model that computes would hold up the server's loop.

The process is of the standard library's kind; it is started again when it has ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

from codelab.retrieval.encoders.encoder import Encoded, Encoder
from codelab.retrieval.encoders.here import open_here
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.vectors.store import Vector

T = TypeVar("T")

# Of 20, so that it takes what nobody else wants.
_NICENESS = 10


class SeparateEncoder:
    """Makes vectors elsewhere on this machine.

    Args:
        model: What makes them, as `open_here` takes it.
    """

    def __init__(self, model: str) -> None:
        self.name = ""
        self.batch = 1
        self._model = model
        self._pool = _new_pool()
        self._process_id: int | None = None

    async def open(self) -> None:
        """Start the process and load the model there.

        Raises:
            EncoderUnavailable: It cannot be used; says what it lacks.
        """
        self.name, self.batch = await self._call(_described)

    async def documents(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of pieces of files."""
        return await self._call(_documents, texts)

    async def question(self, text: str) -> Vector:
        """Return the vector of a question."""
        return await self._call(_question, text)

    async def close(self) -> None:
        """End the process, in the middle of whatever it does."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._process_id is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)

    async def _call(self, work: Callable[..., T], *given: object) -> T:
        try:
            done = self._pool.submit(_done, work, self._model, *given)
            process_id, result = await asyncio.wrap_future(done)
        except BrokenProcessPool as error:
            self._process_id = None
            self._pool.shutdown(wait=False)
            self._pool = _new_pool()
            raise EncoderUnavailable(
                "The process that makes vectors has ended; it is started again."
            ) from error
        self._process_id = process_id
        return result


def _new_pool() -> ProcessPoolExecutor:
    # A copy of a process with threads may hang; a new one does not.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    os.nice(_NICENESS)
    # Whoever interrupts a server at a terminal reaches this process too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)


def _done(work: Callable[..., T], *given: object) -> tuple[int, T]:
    return os.getpid(), work(*given)


@cache
def _encoder(model: str) -> Encoder:
    return asyncio.run(open_here(model))


def _described(model: str) -> tuple[str, int]:
    encoder = _encoder(model)
    return encoder.name, encoder.batch


def _documents(model: str, texts: Sequence[str]) -> Encoded:
    return asyncio.run(_encoder(model).documents(texts))


def _question(model: str, text: str) -> Vector:
    return asyncio.run(_encoder(model).question(text))
