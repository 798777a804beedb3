"""Calls over our own connections: one request, one reader, no queue, whatever the format."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import ModelFailed, ModelUnreachable
from codelab.llm.providers.answer_stream import AnswerFormat, AnswerStream
from codelab.llm.providers.http_connection import HttpConnection
from codelab.llm.providers.http_pool import HttpPool, Target, format_request
from codelab.sdk.model import Completion

_SHORTEST_SECRET = 4


class WireCall(msgspec.Struct, frozen=True):
    """A request that is ready to be sent; the headers hold the key.

    Args:
        target: Where to.
        wire: The format of the answer: `openai`, `anthropic`, `ollama`, or litellm's business.
    """

    target: Target
    headers: dict[str, str]
    body: bytes
    wire: str = "openai"

    def __repr__(self) -> str:
        return f"WireCall({self.target!r})"


class Wire:
    """Sends calls and reads their answers.

    Args:
        pool: The connections.
    """

    def __init__(self, pool: HttpPool) -> None:
        self._pool = pool

    async def run(
        self, entry: ModelEntry, call: WireCall, form: Callable[[], AnswerFormat]
    ) -> Completion:
        """Make a call; cancelling closes its connection at once.

        Args:
            entry: The model.
            call: What to send.
            form: Makes the reader of an answer.

        Raises:
            ModelError: The provider refused or failed.
        """
        secrets = _secrets_of(call)
        fresh = False
        while True:
            reading = form()
            answer = AnswerStream(entry.name, reading, secrets)
            try:
                connection = await self._send(entry.name, call, answer, fresh=fresh)
                if await self._finished(connection, answer):
                    return reading.assembler.complete(entry.name, entry.model)
            finally:
                answer.let_go()
                # The answer holds its failure, whose traceback holds what stands here.
                del reading, answer
            # A kept connection that the server had closed in the meantime: that is no failure.
            fresh = True

    async def _finished(self, connection: HttpConnection, answer: AnswerStream) -> bool:
        """Wait for the end; false when the connection turned out to be a dead one."""
        try:
            await answer.done
        except ModelUnreachable:
            if connection.reused and answer.nothing_came:
                return False
            raise
        except BaseException:
            connection.abort()
            raise
        finally:
            del answer
        connection.leave()
        return True

    async def _send(
        self, name: str, call: WireCall, answer: AnswerStream, *, fresh: bool
    ) -> HttpConnection:
        try:
            request = format_request("POST", call.target, call.headers, call.body)
            return await self._pool.send(call.target, request, answer, fresh=fresh)
        except (OSError, TimeoutError) as error:
            reason = "in time" if isinstance(error, TimeoutError) else "at all"
            raise ModelUnreachable(f"The provider of {name} cannot be reached {reason}.") from None
        except ValueError:
            raise ModelFailed(f"The headers or the key of {name} hold a line break.") from None


def _secrets_of(call: WireCall) -> list[str]:
    values = [value.removeprefix("Bearer ") for value in call.headers.values()]
    return [value for value in values if len(value) >= _SHORTEST_SECRET]
