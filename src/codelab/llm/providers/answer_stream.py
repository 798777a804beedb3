"""One answer while it comes: status, refusal, events, and how it may end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

import msgspec
import structlog

from codelab.kit.clock import utc_now
from codelab.kit.errors import CodeLabError
from codelab.llm.errors import (
    ModelError,
    ModelFailed,
    ModelFiltered,
    ModelInterrupted,
    ModelRefused,
    ModelUnreachable,
)
from codelab.llm.providers.assembly import AnswerAssembler
from codelab.llm.providers.failures import ProviderFailure, condition_of, read_failure
from codelab.llm.providers.sse import EventTooLarge, LineDecoder, SseDecoder
from codelab.llm.providers.surrogates import HalfCharacters

_log = structlog.get_logger(__name__)
_LARGEST_DOCUMENT = 4 * 1024 * 1024


class FailureReported(Exception):
    """The provider says in the middle of its stream that it failed.

    Args:
        failure: What it says.
    """

    def __init__(self, failure: ProviderFailure) -> None:
        super().__init__()
        self.failure = failure


class AnswerFormat(Protocol):
    """How a provider's events are read; one object for each answer.

    Attributes:
        lines: Whether an event is a line of its own, and not a server-sent one.
        assembler: Where the answer is put together.
    """

    lines: bool
    assembler: AnswerAssembler

    def take(self, event: bytes) -> bool:
        """Take an event, or the whole answer of a server that does not stream.

        Returns:
            Whether nothing can follow.

        Raises:
            FailureReported: The provider says that it failed.
            ModelError: The same, where somebody else has already named the condition.
            MsgspecError, UnicodeDecodeError: This is no event.
        """


class AnswerStream:
    """Reads one answer in the socket's callback.

    Args:
        name: The model's name in the catalogue.
        form: How its events are read.
        secrets: Values that error messages must not quote.
    """

    def __init__(self, name: str, form: AnswerFormat, secrets: Iterable[str]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.nothing_came = False
        self._name = name
        self._form = form
        self._assembler = form.assembler
        self._secrets = tuple(secrets)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._events: SseDecoder | LineDecoder | None = None
        self._document = bytearray()
        self._halves = HalfCharacters()

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        """Decide how the body is read."""
        self._status, self._headers = status, headers
        if status != 200:
            return
        if headers.get("content-encoding", "identity") != "identity":
            self._fail(ModelRefused(f"The provider of {self._name} compresses answers, unasked."))
        kind = headers.get("content-type", "")
        if "html" in kind:
            self._fail(
                ModelFailed(
                    f"The provider of {self._name} sent a web page in place of an answer. Check "
                    "its address, and what stands between."
                )
            )
        if self._form.lines:
            self._events = LineDecoder(self._take)
        elif "json" not in kind:
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
            self._fail(self._named(error))

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
            self._fail(self._named(error))
        self._conclude()

    def let_go(self) -> None:
        """Read no more: the parts that read lead to each other, and would stay together."""
        self._events = None

    def connection_failed(self, error: Exception | None) -> None:
        """Conclude with what came so far."""
        self.nothing_came = self._status == 0
        self._conclude()

    def _named(self, error: Exception) -> Exception:
        """Name the condition behind whatever reading has stumbled over."""
        if isinstance(error, CodeLabError):
            return error
        _log.warning("answer_not_read", model=self._name, error_type=type(error).__name__)
        return self._no_answer()

    def _no_answer(self) -> ModelError:
        return ModelFailed(f"The provider of {self._name} sent something that is no answer.")

    def _conclude(self) -> None:
        if self.done.done():
            return
        if self._assembler.finish_reason:
            self.done.set_result(None)
        elif self._assembler.started:
            self._fail(ModelInterrupted(f"The answer of {self._name} broke off before its end."))
        else:
            self._fail(
                ModelUnreachable(f"The provider of {self._name} closed the connection unanswered.")
            )

    def _take(self, event: bytes) -> None:
        if self.done.done():
            return
        try:
            if self._taken(event):
                self.done.set_result(None)
        except FailureReported as reported:
            self._fail(self._failure(reported.failure))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._fail(self._no_answer())

    def _taken(self, event: bytes) -> bool:
        try:
            return self._form.take(event)
        except msgspec.DecodeError:
            mended = self._halves.mend(event)
            if mended == event:
                raise
            return self._form.take(mended)

    def _failure(self, failure: ProviderFailure) -> ModelError:
        condition = condition_of(failure, self._name, self._secrets)
        if self._assembler.started and not isinstance(condition, ModelFiltered):
            return ModelInterrupted(f"The answer of {self._name} broke off: its provider failed.")
        return condition

    def _refusal(self) -> ModelError:
        failure = read_failure(self._status, self._headers, bytes(self._document), utc_now())
        return condition_of(failure, self._name, self._secrets)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            # Its traceback leads back here: the answer would stay until somebody looks for cycles.
            self.done.set_exception(error.with_traceback(None))
