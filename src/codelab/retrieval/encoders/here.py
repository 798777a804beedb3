"""Encoders that compute in this process; their packages are loaded only when they are chosen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from codelab.retrieval.encoders.encoder import Encoder
from codelab.retrieval.encoders.models import traits_of
from codelab.retrieval.errors import EncoderUnavailable
from codelab.retrieval.optional import loaded

STATIC = "static"
_LOCAL = "local:"
_HERE = "codelab.retrieval.encoders"


def is_local(model: str) -> bool:
    """Tell whether a model needs nothing but this machine."""
    return model == STATIC or model.startswith(_LOCAL)


async def open_here(model: str) -> Encoder:
    """Open a local encoder.

    Args:
        model: `static`, or `local:` with a folder or the name of a model of sentence-transformers.

    Raises:
        EncoderUnavailable: It cannot be used; says what it lacks.
    """
    if model == STATIC:
        found = await _adapter("static", "codelab[vectors]")
        encoder: Encoder = await found.open_static()
        return encoder
    place = model.removeprefix(_LOCAL)
    traits = traits_of(place)
    folder, holds_onnx = await asyncio.to_thread(_folder_of, place)
    if folder and holds_onnx:
        found = await _adapter("onnx", "codelab[onnx]")
        encoder = await found.open_onnx(folder, traits)
        return encoder
    found = await _adapter("sentence_transformers", "codelab[vectors]")
    encoder = await found.open_sentence_transformers(str(folder or place), traits)
    return encoder


def _folder_of(place: str) -> tuple[Path | None, bool]:
    """Return the folder, if it is one, and whether a model in the form of ONNX lies there."""
    folder = Path(place).expanduser()
    if not folder.is_dir():
        return None, False
    return folder, any(True for each in ("*.onnx", "onnx/*.onnx") for _ in folder.glob(each))


async def _adapter(name: str, wanted: str) -> Any:
    return await loaded(f"{_HERE}.{name}", wanted, EncoderUnavailable)
