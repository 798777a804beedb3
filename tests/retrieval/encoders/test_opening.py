"""The encoder that is set is the one that is used, or it is said what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from codelab.kit.errors import NotFound
from codelab.retrieval.encoders.opening import EncoderChoice, open_encoder
from codelab.retrieval.encoders.remote import Embedded, EmbeddingModel
from codelab.retrieval.errors import EncoderUnavailable


class Model:
    name = "openai/text-embedding-3-small"

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> Embedded:
        return Embedded([[1.0] * (dimensions or 1536)] * len(texts))


def find_model(name: str) -> EmbeddingModel:
    if name != "cheap":
        raise NotFound(f"There is no model {name}.")
    return Model()


async def test_the_default_needs_nothing_and_vectors_can_be_off() -> None:
    assert await open_encoder(EncoderChoice(model="off"), find_model) is None
    encoder = await open_encoder(EncoderChoice(), find_model)
    assert encoder and encoder.name.startswith("static/")
    assert len(await encoder.question("where?")) == 256
    await encoder.close()


async def test_any_other_name_is_one_of_the_catalogue() -> None:
    encoder = await open_encoder(EncoderChoice(model="cheap", dimensions=64), find_model)
    assert encoder and encoder.name.startswith("remote/openai/text-embedding-3-small/64/")
    assert len(await encoder.question("where?")) == 64
    await encoder.close()
    with pytest.raises(NotFound):
        await open_encoder(EncoderChoice(model="dear"), find_model)


@pytest.mark.parametrize("place", ["microsoft/codebert-base", "."])
async def test_without_its_package_it_is_said_what_to_install(place: str) -> None:
    with pytest.raises(EncoderUnavailable, match="install sentence-transformers"):
        await open_encoder(EncoderChoice(model=f"local:{place}"), find_model)


async def test_a_folder_with_a_model_of_onnx_is_run_as_one(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    with pytest.raises(EncoderUnavailable, match=r"tokenizer\.json"):
        await open_encoder(EncoderChoice(model=f"local:{tmp_path}"), find_model)
