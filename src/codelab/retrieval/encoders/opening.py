"""Which encoder makes the vectors, by what is set; packages are loaded only when it is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from codelab.retrieval.encoders.encoder import Encoder
from codelab.retrieval.encoders.models import traits_of
from codelab.retrieval.encoders.remote import EmbeddingModel, RemoteEncoder
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.optional import loaded

STATIC = "static"
OFF = "off"
_LOCAL = "local:"
_HERE = "codelab.retrieval.encoders"


class EncoderChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What is to make vectors.

    Args:
        model: `static`, `off`, a model's name in the catalogue, or `local:` with a folder or the
            name of a model of sentence-transformers.
        dimensions: How long vectors are to be, where the model leaves a choice; 0: its own.
    """

    model: str = STATIC
    dimensions: int = 0


async def open_encoder(
    choice: EncoderChoice, find_model: Callable[[str], EmbeddingModel]
) -> Encoder | None:
    """Open the encoder that was chosen; none where vectors are off.

    Args:
        find_model: Finds a model of the catalogue; may raise a `CodeLabError`.

    Raises:
        EncoderUnavailable: It cannot be used; says what it lacks.
    """
    name = choice.model
    if name == OFF:
        return None
    if name == STATIC:
        found = await _adapter("static", "codelab[vectors]")
        encoder: Encoder = await found.open_static()
        return encoder
    if name.startswith(_LOCAL):
        return await _local(name.removeprefix(_LOCAL))
    return RemoteEncoder(find_model(name), dimensions=choice.dimensions)


async def _local(place: str) -> Encoder:
    traits = traits_of(place)
    folder, holds_onnx = await asyncio.to_thread(_folder_of, place)
    if folder and holds_onnx:
        found = await _adapter("onnx", "codelab[onnx]")
        encoder: Encoder = await found.open_onnx(folder, traits)
        return encoder
    found = await _adapter("sentence_transformers", "codelab[vectors]")
    opened: Encoder = await found.open_sentence_transformers(str(folder or place), traits)
    return opened


def _folder_of(place: str) -> tuple[Path | None, bool]:
    """Return the folder, if it is one, and whether a model in the form of ONNX lies there."""
    folder = Path(place).expanduser()
    if not folder.is_dir():
        return None, False
    return folder, any(True for each in ("*.onnx", "onnx/*.onnx") for _ in folder.glob(each))


async def _adapter(name: str, wanted: str) -> Any:
    return await loaded(f"{_HERE}.{name}", wanted, EncoderUnavailable)
