"""What encoders that run a model in this process have in common: one thread that runs it."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codelab.retrieval.encoders.encoder import Encoded
from codelab.retrieval.encoders.models import Traits
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.vectors.store import Vector

Matrix = npt.NDArray[np.float32]


class LocalEncoder:
    """Runs a model in a thread of its own, one call at a time.

    Args:
        name: The model with all that its vectors depend on.
        traits: How it wants to be asked.
        run: Makes a row for each text; blocks.
    """

    batch = 32

    def __init__(self, name: str, traits: Traits, run: Callable[[list[str]], Matrix]) -> None:
        self.name = f"{name}/{traits.fingerprint()}"
        self._traits = traits
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")

    async def documents(self, texts: Sequence[str]) -> Encoded:
        """Return the vectors of pieces of files."""
        return Encoded(await self._vectors([self._traits.document + text for text in texts]))

    async def question(self, text: str) -> Vector:
        """Return the vector of a question."""
        return (await self._vectors([self._traits.question + text]))[0]

    async def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _vectors(self, texts: list[str]) -> list[Vector]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._sound, texts)
        # A library's own failure, whose kinds nobody lists.
        except Exception as error:
            raise EncoderUnavailable(f"The model failed: {type(error).__name__}.") from error

    def _sound(self, texts: list[str]) -> list[Vector]:
        rows = np.asarray(self._run(texts), dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise ValueError("not a number")
        lengths[lengths == 0] = 1
        return [array("f", row.tobytes()) for row in rows / lengths]


def content_of(files: Sequence[Path]) -> str:
    """Return a digest of files, so that another model in the same place has another name."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            whole.update(hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()[:16]
