"""The package itself is not installed for the tests: what is seen here ends at its door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codelab.retrieval.encoders.local import Matrix
from codelab.retrieval.encoders.models import traits_of
from codelab.retrieval.encoders.sentence_transformers import encoder_of


class Model:
    """Takes what `SentenceTransformer.encode` takes."""

    def __init__(self, max_seq_length: int | None = None) -> None:
        self.max_seq_length = max_seq_length
        self.asked: list[str] = []

    def encode(self, sentences: list[str], **told: Any) -> Matrix:
        assert told == {
            "batch_size": 32,
            "show_progress_bar": False,
            "convert_to_numpy": True,
        }
        self.asked += sentences
        return np.array([[3.0, 4.0]] * len(sentences), dtype=np.float32)


async def test_the_model_is_asked_in_its_own_way() -> None:
    model = Model()
    encoder = encoder_of(model, "intfloat/e5-base-v2", traits_of("intfloat/e5-base-v2"))
    assert list(await encoder.question("where?")) == pytest.approx([0.6, 0.8])
    assert len((await encoder.documents(["a", "b"])).vectors) == 2
    assert model.asked == ["query: where?", "passage: a", "passage: b"]
    assert model.max_seq_length == 512
    assert encoder.name.startswith("sentence-transformers/intfloat/e5-base-v2/")
    await encoder.close()


async def test_a_smaller_window_of_the_model_stays(tmp_path: Path) -> None:
    model = Model(128)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    encoder = encoder_of(model, str(tmp_path), traits_of("codebert-base"))
    assert model.max_seq_length == 128
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    other = encoder_of(model, str(tmp_path), traits_of("codebert-base"))
    assert encoder.name != other.name
    await encoder.close()
    await other.close()
