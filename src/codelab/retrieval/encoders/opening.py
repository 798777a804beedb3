"""Which encoder makes the vectors, by what is set."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from codelab.retrieval.encoders.encoder import Encoder
from codelab.retrieval.encoders.here import STATIC, is_local
from codelab.retrieval.encoders.remote import RemoteEncoder
from codelab.retrieval.encoders.separate import SeparateEncoder
from codelab.sdk.embedding import EmbeddingModel

OFF = "off"


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
    if choice.model == OFF:
        return None
    if not is_local(choice.model):
        return RemoteEncoder(find_model(choice.model), dimensions=choice.dimensions)
    encoder = SeparateEncoder(choice.model)
    try:
        await encoder.open()
    except BaseException:
        await encoder.close()
        raise
    return encoder
