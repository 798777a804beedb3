"""Load mode: many steady token streams at next to no cost, for measuring whatever reads them.

A request for the model `load-RATExCOUNT` is answered by COUNT one-token chunks at RATE a second, 0
meaning as fast as the reader takes them. Each chunk's text is `t<index>@<monotonic_ns> `, so a
reader on the same machine can tell how long it took. Every wire has it.

The model `prose-RATExCOUNT` writes Markdown at that pace, as a model would: headings, paragraphs,
lists and code.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import NamedTuple

from aiohttp import web

from tests.model_server.script import Body, Reply, Usage
from tests.model_server.wire import Wire

_MODEL = re.compile(r"(load|prose)-(\d+(?:\.\d+)?)x([1-9]\d*)")
_MARK = b"@mark@"
_BUFFER_LIMIT_BYTES = 256 * 1024
_RETRY_S = 0.02
_PROSE = """\
### Where the total goes wrong

The loop in `shop/cart.py:12` begins with the **second** price, so the first one is never added.
Whoever buys one thing pays nothing; whoever buys two pays for one of them. The tests don't see it,
because each of them begins with something that costs nothing at all.

- `total` adds the prices, and is what the receipt shows
- `dearest` looks at all of them, as it should
- `cheapest` does too, but fails for an empty cart

```python
def total(prices: list[int]) -> int:
    result = 0
    for price in prices:
        result += price
    return result
```

1. Begin with the first price, and add a test that has only one.
2. Say what an empty cart costs, and write that down beside the function.

"""
_TURN_TOKENS = 32
_PROMPT_TOKENS = 10


class Load(NamedTuple):
    """Tokens a second, tokens in all, and whether they are Markdown."""

    rate: float
    tokens: int
    prose: bool = False


def load_of(model: str) -> Load | None:
    """The load a model's name asks for, if it does."""
    match = _MODEL.fullmatch(model)
    return Load(float(match[2]), int(match[3]), match[1] == "prose") if match else None


class _Chunks:
    """The stream's bytes, encoded once but for each token's own text."""

    def __init__(self, wire: Wire, body: Body, load: Load) -> None:
        usage = Usage(_PROMPT_TOKENS, load.tokens)
        asked = {**body, "stream_options": {"include_usage": True}}
        frames = wire.frames(Reply(text=[_MARK.decode()], usage=usage), asked)
        (place,) = [number for number, frame in enumerate(frames) if frame.chunk]
        self.opening = b"".join(frame.data for frame in frames[:place])
        self.ending = b"".join(frame.data for frame in frames[place + 1 :])
        self._head, self._tail = frames[place].data.split(_MARK)
        words = re.findall(r"\S+\s*", _PROSE) if load.prose else []
        self._words = [json.dumps(word)[1:-1].encode() for word in words]

    def token(self, index: int) -> bytes:
        """The event for one token: a word, or stamped now."""
        if self._words:
            return self._head + self._words[index % len(self._words)] + self._tail
        return b"%bt%d@%d %b" % (self._head, index, time.monotonic_ns(), self._tail)


class _Pacer:
    """Writes one stream's tokens from timer callbacks, straight to the transport.

    No task wakes for a token, which is what makes it cheap.
    """

    def __init__(self, transport: asyncio.Transport, chunks: _Chunks, load: Load) -> None:
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._transport = transport
        self._chunks = chunks
        self._period_s = 1 / load.rate
        self._count = load.tokens
        self._index = 0
        self._start = self._loop.time()
        self._timer = self._loop.call_soon(self._tick)

    def stop(self) -> None:
        """Writes nothing more."""
        self._timer.cancel()

    def _tick(self) -> None:
        if self._transport.is_closing() or self._index == self._count:
            if not self.done.done():
                self.done.set_result(None)
            return
        if self._transport.get_write_buffer_size() > _BUFFER_LIMIT_BYTES:
            self._timer = self._loop.call_later(_RETRY_S, self._tick)
            return
        event = self._chunks.token(self._index)
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        self._index += 1
        # Due times count from the start, so a late tick delays no later one.
        self._timer = self._loop.call_at(self._start + self._index * self._period_s, self._tick)


async def serve_load(
    request: web.Request, wire: Wire, body: Body, load: Load
) -> web.StreamResponse:
    """Streams the load, with the usage at its end."""
    chunks = _Chunks(wire, body, load)
    response = web.StreamResponse(headers={"Content-Type": wire.stream_type})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(chunks.opening)
    if load.rate > 0:
        await _pace(request, chunks, load)
    else:
        for index in range(load.tokens):
            await response.write(chunks.token(index))
            if index % _TURN_TOKENS == 0:
                await asyncio.sleep(0)
    await response.write(chunks.ending)
    await response.write_eof()
    return response


async def _pace(request: web.Request, chunks: _Chunks, load: Load) -> None:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    pacer = _Pacer(transport, chunks, load)
    try:
        await pacer.done
    finally:
        pacer.stop()
