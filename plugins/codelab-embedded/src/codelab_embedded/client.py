"""The client of the model's server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx

from codelab.sdk import Completion, Delta, ModelRequest, Usage
from codelab.sdk.model import OnDelta
from codelab_embedded.errors import AnswerBroken, NotRunning
from codelab_embedded.local_server import Address
from codelab_embedded.wire import NOTE, Choice, read_event, read_refusal, write_request

# Loopback needs no certificates, and reading them takes longer than a short answer.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# How long a model may be silent is the caller's to say.
_PATIENCE = httpx.Timeout(None, connect=5.0)
_ALIVE = Delta()


class EmbeddedModel:
    """Streams from the model's server; giving up closes the connection and stops the writing.

    Args:
        lend: Lends the address of the server, started if need be.
    """

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Address]]) -> None:
        self._lend = lend

    async def stream(self, request: ModelRequest, on_delta: OnDelta) -> Completion:
        """Run the request.

        Raises:
            NotInstalled: Something is missing; says what to install.
            NotRunning: The server does not start, or was lost before it answered.
            ContextTooLong: The conversation is longer than the model's window.
            AnswerBroken: The server was lost in the middle of its answer.
            CodeLabError: Another of the conditions in `errors`.
        """
        answer = _Answer(on_delta)
        async with self._lend() as address, _asked(address, write_request(request)) as response:
            if response.status_code != httpx.codes.OK:
                raise read_refusal(response.status_code, await response.aread())
            async for line in response.aiter_lines():
                answer.read(line)
        if not answer.finish_reason:
            raise AnswerBroken("The trial model's answer broke off.")
        if request.tools:
            answer.add(NOTE)
        return Completion(
            model=request.model,
            text="".join(answer.pieces),
            finish_reason=answer.finish_reason,
            usage=answer.usage,
        )


class _Answer:
    """An answer while it comes."""

    def __init__(self, on_delta: OnDelta) -> None:
        self._on_delta = on_delta
        self.pieces: list[str] = []
        self.finish_reason = ""
        self.usage = Usage()

    def read(self, line: str) -> None:
        """Read a line of the stream."""
        chunk = read_event(line)
        if chunk is None:
            return
        if chunk.usage:
            self.usage = chunk.usage.usage()
        choice = chunk.choices[0] if chunk.choices else Choice()
        self.finish_reason = choice.finish_reason or self.finish_reason
        if choice.delta.content:
            self.add(choice.delta.content)
        else:
            self._on_delta(_ALIVE)

    def add(self, text: str) -> None:
        """Take a piece and hand it on."""
        self.pieces.append(text)
        self._on_delta(Delta(text))


@asynccontextmanager
async def _asked(address: Address, body: bytes) -> AsyncIterator[httpx.Response]:
    headers = {
        "Authorization": f"Bearer {address.api_key}",
        "Content-Type": "application/json",
    }
    http = httpx.AsyncClient(trust_env=False, verify=_NO_CERTIFICATES, timeout=_PATIENCE)
    try:
        async with (
            http,
            http.stream(
                "POST", f"{address.url}/v1/chat/completions", content=body, headers=headers
            ) as response,
        ):
            yield response
    except httpx.ConnectError as error:
        raise NotRunning("The trial model's server is gone; it is started again.") from error
    except httpx.HTTPError as error:
        raise AnswerBroken("The trial model's answer broke off.") from error
