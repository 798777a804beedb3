"""The client for every provider that speaks OpenAI's wire: one request, one reader, no queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from codelab.kit.clock import utc_now
from codelab.llm.catalog.entries import ModelEntry
from codelab.llm.errors import (
    ModelError,
    ModelFailed,
    ModelFiltered,
    ModelInterrupted,
    ModelUnreachable,
)
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.failures import condition_of, failure_of_error, read_failure
from codelab.llm.providers.http_connection import HttpConnection
from codelab.llm.providers.http_pool import HttpPool, format_request
from codelab.llm.providers.openai_plan import WireCall
from codelab.llm.providers.sse import EventTooLarge, SseDecoder
from codelab.llm.providers.wire_chunks import Chunk
from codelab.sdk.model import Completion, OnDelta

_DONE = b"[DONE]"
_LARGEST_DOCUMENT = 4 * 1024 * 1024
_decode = msgspec.json.Decoder(Chunk).decode


class AnswerStream:
    """Reads one answer in the socket's callback.

    Args:
        name: The model's name in the catalogue.
        on_delta: Takes each piece at once.
        secrets: Values that error messages must not quote.
    """

    def __init__(self, name: str, on_delta: OnDelta, secrets: Iterable[str]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.assembler = AnswerAssembler(on_delta)
        self.nothing_came = False
        self._name = name
        self._secrets = tuple(secrets)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._events: SseDecoder | None = None
        self._document = bytearray()

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        """Decide how the body is read."""
        self._status, self._headers = status, headers
        if status == 200 and "json" not in headers.get("content-type", ""):
            self._events = SseDecoder(self._take)

    def body_received(self, data: bytes) -> None:
        """Read a piece of the body."""
        if self.done.done():
            return
        try:
            if self._events is not None:
                self._events.feed(data)
            elif len(self._document) < _LARGEST_DOCUMENT:
                self._document += data
        except EventTooLarge:
            self._fail(ModelFailed(f"The provider of {self._name} sent an event without end."))
        except Exception as error:
            self._fail(error)

    def body_finished(self) -> None:
        """Conclude: an answer without a reason for its end is not a whole one."""
        if self.done.done():
            return
        try:
            if self._events is not None:
                self._events.end()
            elif self._status == 200:
                self._take(bytes(self._document))
            else:
                self._fail(self._refusal())
        except Exception as error:
            self._fail(error)
        self._conclude()

    def connection_failed(self, error: Exception | None) -> None:
        """Conclude with what came so far."""
        self.nothing_came = self._status == 0
        self._conclude()

    def _conclude(self) -> None:
        if self.done.done():
            return
        if self.assembler.finish_reason:
            self.done.set_result(None)
        elif self.assembler.started:
            self._fail(ModelInterrupted(f"The answer of {self._name} broke off before its end."))
        else:
            self._fail(
                ModelUnreachable(f"The provider of {self._name} closed the connection unanswered.")
            )

    def _take(self, data: bytes) -> None:
        if self.done.done():
            return
        if data == _DONE:
            self.done.set_result(None)
            return
        try:
            chunk = _decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._fail(
                ModelFailed(f"The provider of {self._name} sent something that is no answer.")
            )
            return
        if chunk.error:
            self._fail(self._failure(chunk.error))
            return
        self.assembler.add(chunk)

    def _failure(self, error: object) -> ModelError:
        condition = condition_of(failure_of_error(error), self._name, self._secrets)
        if self.assembler.started and not isinstance(condition, ModelFiltered):
            return ModelInterrupted(f"The answer of {self._name} broke off: its provider failed.")
        return condition

    def _refusal(self) -> ModelError:
        failure = read_failure(self._status, self._headers, bytes(self._document), utc_now())
        return condition_of(failure, self._name, self._secrets)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class OpenAIWire:
    """Sends calls and reads their answers.

    Args:
        pool: The connections.
    """

    def __init__(self, pool: HttpPool) -> None:
        self._pool = pool

    async def run(self, entry: ModelEntry, call: WireCall, on_delta: OnDelta) -> Completion:
        """Make a call; cancelling closes its connection at once.

        Raises:
            ModelError: The provider refused or failed.
        """
        secrets = _secrets_of(call)
        answer = AnswerStream(entry.name, on_delta, secrets)
        connection = await self._send(entry.name, call, answer)
        if await self._finished(connection, answer):
            return answer.assembler.complete(entry.name)
        # A kept connection that the server had closed in the meantime: that is no failure.
        answer = AnswerStream(entry.name, on_delta, secrets)
        connection = await self._send(entry.name, call, answer, fresh=True)
        await self._finished(connection, answer)
        return answer.assembler.complete(entry.name)

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
        connection.leave()
        return True

    async def _send(
        self, name: str, call: WireCall, answer: AnswerStream, *, fresh: bool = False
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
    return [value for value in values if len(value) >= 8]
