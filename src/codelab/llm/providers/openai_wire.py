"""OpenAI's answers, and those of everybody who speaks its wire."""

from __future__ import annotations

import msgspec

from codelab.llm.providers.answer_stream import FailureReported
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.failures import failure_of_error
from codelab.llm.providers.wire_chunks import Chunk
from codelab.sdk.model import OnDelta

_DONE = b"[DONE]"
_decode = msgspec.json.Decoder(Chunk).decode


class OpenAIAnswer:
    """Reads chunks, or one `chat.completion` document.

    Args:
        on_delta: Takes each piece at once.
    """

    lines = False

    def __init__(self, on_delta: OnDelta) -> None:
        self.assembler = AnswerAssembler(on_delta)

    def take(self, event: bytes) -> bool:
        """Take an event; the last one is no JSON."""
        if event == _DONE:
            return True
        chunk = _decode(event)
        if chunk.error:
            raise FailureReported(failure_of_error(chunk.error))
        self.assembler.add(chunk)
        return False
