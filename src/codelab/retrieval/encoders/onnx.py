"""Vectors from a model in the form of ONNX, out of a folder, without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from codelab.retrieval.encoders.local import LocalEncoder, Matrix, content_of
from codelab.retrieval.encoders.models import Pooling, Traits
from codelab.retrieval.errors import EncoderUnavailable

# Where exporters put it, in the order in which they are looked for.
PLACES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")


async def open_onnx(folder: Path, traits: Traits) -> LocalEncoder:
    """Load the model of a folder, with its `tokenizer.json`.

    Raises:
        EncoderUnavailable: There is none, or it cannot be loaded.
    """
    return await asyncio.to_thread(_opened, folder, traits)


def _opened(folder: Path, traits: Traits) -> LocalEncoder:
    model = next((folder / place for place in PLACES if (folder / place).is_file()), None)
    rules = folder / "tokenizer.json"
    if model is None or not rules.is_file():
        raise EncoderUnavailable("The folder holds no model.onnx with a tokenizer.json.")
    try:
        tokenizer = Tokenizer.from_file(str(rules))
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    # Both libraries raise kinds of their own.
    except Exception as error:
        raise EncoderUnavailable("The model in the folder cannot be loaded.") from error
    tokenizer.enable_truncation(traits.window)
    tokenizer.enable_padding()
    run = OnnxModel(session, tokenizer, traits.pooling)
    return LocalEncoder(f"onnx/{content_of([model, rules])}", traits, run)


class OnnxModel:
    """Runs a session on texts, and makes one vector of those of a text's tokens.

    Args:
        session: The loaded model.
        tokenizer: Cuts and fills up texts to one length.
        pooling: How vectors become one.
    """

    def __init__(self, session: Any, tokenizer: Tokenizer, pooling: Pooling) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._pooling = pooling
        self._inputs = {each.name for each in session.get_inputs()}

    def __call__(self, texts: list[str]) -> Matrix:
        """Return one row for each text."""
        taken = self._tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in taken], dtype=np.int64)
        given = {
            "input_ids": np.array([one.ids for one in taken], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([one.type_ids for one in taken], dtype=np.int64),
        }
        told = {name: value for name, value in given.items() if name in self._inputs}
        found: Matrix = np.asarray(self._session.run(None, told)[0], dtype=np.float32)
        if found.ndim == 2:
            return found
        if self._pooling == "first":
            first: Matrix = found[:, 0]
            return first
        weights = mask[:, :, None].astype(np.float32)
        pooled: Matrix = (found * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return pooled
