"""Vectors from a model of sentence-transformers, out of a folder or what was fetched before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from codelab.retrieval.encoders.local import LocalEncoder, Matrix, content_of
from codelab.retrieval.encoders.models import Traits
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.optional import loaded

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "config.json", "modules.json")


class SentenceModel(Protocol):
    """What of `sentence_transformers.SentenceTransformer` is used."""

    max_seq_length: int | None

    def encode(
        self,
        sentences: list[str],
        *,
        batch_size: int,
        show_progress_bar: bool,
        convert_to_numpy: bool,
    ) -> Matrix:
        """Return a row for each sentence."""
        ...


async def open_sentence_transformers(place: str, traits: Traits) -> LocalEncoder:
    """Load a model, without looking for it on the network.

    Args:
        place: A folder, or the name of a model that was fetched before.

    Raises:
        EncoderUnavailable: The package or the model is missing.
    """
    library = await loaded("sentence_transformers", "sentence-transformers", EncoderUnavailable)
    try:
        model = await asyncio.to_thread(_model, library, place)
    # The library raises whatever those below it raise.
    except Exception as error:
        raise EncoderUnavailable(
            f"The model cannot be loaded without a network ({type(error).__name__}): fetch it "
            "first, or name its folder."
        ) from error
    return await asyncio.to_thread(encoder_of, model, place, traits)


def encoder_of(model: SentenceModel, place: str, traits: Traits) -> LocalEncoder:
    """Make an encoder of a loaded model, which cuts texts to its window itself."""
    model.max_seq_length = min(model.max_seq_length or traits.window, traits.window)

    def run(texts: list[str]) -> Matrix:
        return model.encode(
            texts,
            batch_size=LocalEncoder.batch,
            show_progress_bar=False,
            convert_to_numpy=True,
        )

    folder = Path(place)
    told = content_of(_files(folder)) if folder.is_dir() else place
    return LocalEncoder(f"sentence-transformers/{told}", traits, run)


def _model(library: Any, place: str) -> SentenceModel:
    model: SentenceModel = library.SentenceTransformer(
        place, local_files_only=True, trust_remote_code=False
    )
    return model


def _files(folder: Path) -> Sequence[Path]:
    return sorted(path for pattern in _WEIGHTS for path in folder.rglob(pattern))
