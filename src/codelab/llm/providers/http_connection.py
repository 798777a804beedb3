"""HTTP/1.1 to a model: answers are handed on in the socket's own callback, piece by piece.

A stream of tokens arrives in many small segments. Reading them through a stream object costs a
task switch each; here the parser calls the reader directly.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

_FIRST_FINAL_STATUS = 200
# How much may come that is no part of the body, without a piece of the body in between: headers,
# trailers, and what may stand beside the size of a chunk.
_MOST_AROUND = 64 * 1024
# Pieces from this size on are timed: who sends faster than we read must leave room for others, so
# after each that took long the connection rests for some times as long.
_TIMED_BYTES = 4 * 1024
_LONG_S = 0.001
_REST_FACTOR = 3
_LONGEST_REST_S = 0.5


class AnswerReader(Protocol):
    """Takes an answer while it comes. Its methods must not raise."""

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        """Take the status and the headers, names in lower case."""

    def body_received(self, data: bytes) -> None:
        """Take a piece of the body, cut anywhere."""

    def body_finished(self) -> None:
        """Learn that the whole body has come."""

    def connection_failed(self, error: Exception | None) -> None:
        """Learn that the connection broke before the end of the body."""


# How long a connection may take to end an answer nobody waits for any more.
_LINGER_S = 2.0


class HttpConnection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self) -> None:
        self.reused = False
        self.idle_since = 0.0
        self.released: asyncio.Future[bool] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: dict[str, str] = {}
        self._in_body = False
        self._around_bytes = 0
        self._resting: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, reader: AnswerReader) -> asyncio.Future[bool]:
        """Send a request.

        Returns:
            A future that is set when the connection is free again: true when it can be reused.
        """
        self._read_on()
        self._reader = reader
        self._parser = httptools.HttpResponseParser(self)
        self._headers = {}
        self._in_body = False
        self._around_bytes = 0
        self.released = self._loop.create_future()
        if self._transport is None:
            self._fail(None)
        else:
            self._transport.write(request)
        return self.released

    def leave(self) -> None:
        """Hand nothing more to the reader; the rest of the answer is read and forgotten."""
        self._reader = None
        released = self.released
        if released is not None and not released.done():
            self._loop.call_later(_LINGER_S, self._abort_unless, released)

    def abort(self) -> None:
        """Close at once, without a word."""
        self._reader = None
        if self._transport is not None:
            self._transport.abort()
        self._release(reusable=False)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # A stream protocol gets no other kind.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse at once."""
        if len(data) < _TIMED_BYTES:
            self._parse(data)
            return
        began = self._loop.time()
        self._parse(data)
        spent_s = self._loop.time() - began
        if spent_s > _LONG_S and self.is_open and self._transport is not None:
            self._transport.pause_reading()
            rest_s = min(spent_s * _REST_FACTOR, _LONGEST_REST_S)
            self._resting = self._loop.call_later(rest_s, self._read_on)

    def _read_on(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
            if self.is_open and self._transport is not None:
                self._transport.resume_reading()

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self.abort()
            return
        if self._around_bytes > _MOST_AROUND:
            self._fail(ValueError("headers without end"))
            return
        self._around_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the reader, unless the body's end was the connection's end."""
        self._transport = None
        if self._parser is None:
            return
        open_ended = not self._headers.keys() & {"content-length", "transfer-encoding"}
        if self._in_body and open_ended and error is None:
            self._end(reusable=False)
        else:
            self._fail(error)

    # the parser's side

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Hand status and headers on, interim answers left out."""
        status = self._parser.get_status_code() if self._parser else 0
        if status < _FIRST_FINAL_STATUS:
            self._headers = {}
            return
        self._in_body = True
        if self._reader is not None:
            self._reader.headers_received(status, self._headers)

    def on_body(self, data: bytes) -> None:
        """Hand a piece on; chunked encoding is already undone."""
        self._around_bytes = 0
        if self._reader is not None:
            self._reader.body_received(data)

    def on_message_complete(self) -> None:
        """Free the connection."""
        if self._in_body and self._parser is not None:
            self._end(reusable=self._parser.should_keep_alive())

    def _end(self, *, reusable: bool) -> None:
        reader, self._reader, self._parser = self._reader, None, None
        self._release(reusable=reusable)
        if reader is not None:
            reader.body_finished()

    def _fail(self, error: Exception | None) -> None:
        reader, self._reader, self._parser = self._reader, None, None
        if self._transport is not None:
            self._transport.abort()
        self._release(reusable=False)
        if reader is not None:
            reader.connection_failed(error)

    def _abort_unless(self, released: asyncio.Future[bool]) -> None:
        if not released.done():
            self.abort()

    def _release(self, *, reusable: bool) -> None:
        if self.released is not None and not self.released.done():
            self.released.set_result(reusable and self.is_open)
