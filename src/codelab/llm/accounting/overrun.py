"""Ends an answer that goes on past the length that money was reserved for."""

from __future__ import annotations

import asyncio

from codelab.llm.accounting.estimates import weight
from codelab.llm.errors import ModelRefused
from codelab.sdk.model import Completion, Delta, ModelClient, ModelRequest, OnDelta

# More than texts of any kind have for each token, a few long ones aside.
_BYTES_PER_TOKEN = 6
_TO_SPARE = 300
# What a piece of a tool call has, of which only that it came is told here.
_UNSEEN = 4


class LengthKept(ModelClient):
    """Lets no answer grow beyond the length that was asked for, whatever its provider does.

    The tokens of an answer are counted by its provider, at its end. Before that its length is
    known by its bytes, so that only what is clearly longer is cut off.

    Args:
        client: The client that asks.
        tokens: How long the answer may be.
    """

    def __init__(self, client: ModelClient, tokens: int) -> None:
        self._client = client
        self._room = tokens * _BYTES_PER_TOKEN + _TO_SPARE
        self._tokens = tokens

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            ModelRefused: The answer is longer than it may be.
        """

        def take(delta: Delta) -> None:
            self._room -= (weight(delta.text) + weight(delta.reasoning)) or _UNSEEN
            on_delta(delta)
            if self._room < 0 and asking:
                asking.cancel()

        asking: asyncio.Future[Completion] | None = None
        try:
            asking = asyncio.ensure_future(self._client.stream(request, take))
            return await asking
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self._room >= 0 or (current and current.cancelling()):
                raise
            raise ModelRefused(
                f"{request.model} wrote more than the {self._tokens} tokens that it was asked for "
                "and that money was reserved for: its provider does not keep to the limit."
            ) from None
        finally:
            # Its error knows this frame: they would keep each other, and a long answer with them.
            asking = None
