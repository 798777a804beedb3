"""Carrying a planned answer out on a connection, and noting when the client leaves early."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.model_server.plan import Plan, Step, plan_stream
from tests.model_server.script import Body, Reply, SeenRequest
from tests.model_server.wire import Wire

_TORN_PAUSE_S = 0.001
_FLUSH_S = 0.01


@asynccontextmanager
async def watched(seen: SeenRequest) -> AsyncIterator[None]:
    """Notes on the request how it went: finished, or cut by the client and after how long."""
    arrived = time.monotonic()
    try:
        yield
    except (asyncio.CancelledError, ConnectionError):
        seen.cut_by_client = True
        seen.cut_after_s = time.monotonic() - arrived
        raise


async def deliver(
    request: web.Request, wire: Wire, reply: Reply, body: Body, seen: SeenRequest
) -> web.StreamResponse:
    """Sends the reply as the script wants it sent."""
    async with watched(seen):
        await asyncio.sleep(reply.delay_s)
        if reply.context_overflow:
            return _document(wire, 400, wire.overflow(), reply.headers, seen)
        if reply.status != 200:
            return _document(wire, reply.status, wire.error(reply.status), reply.headers, seen)
        if wire.streams(body):
            sse = "event-stream" in wire.stream_type
            plan = plan_stream(reply, wire.frames(reply, body), wire.failure(), sse=sse)
            return await _stream(request, wire, reply, plan, seen)
        if reply.error_after is not None:
            return _document(wire, 500, wire.error(500), reply.headers, seen)
        document = wire.whole(reply, body)
        if reply.cut_after is None and reply.stall_after is None:
            return _document(wire, 200, document, reply.headers, seen)
        half = Step([document[: len(document) // 2]], chunk=False)
        ending = Plan([half], "cut" if reply.cut_after is not None else "stall")
        return await _stream(request, wire, reply, ending, seen)


async def _stream(
    request: web.Request, wire: Wire, reply: Reply, plan: Plan, seen: SeenRequest
) -> web.StreamResponse:
    response = web.StreamResponse(headers=_headers(wire, wire.stream_type, reply.headers))
    await response.prepare(request)
    first = True
    for step in plan.steps:
        if step.chunk and not first:
            await asyncio.sleep(reply.token_delay_s)
        for piece in step.pieces:
            await response.write(piece)
            if len(step.pieces) > 1:
                await asyncio.sleep(_TORN_PAUSE_S)
        first = first and not step.chunk
        seen.chunks_sent += step.chunk
    if plan.ending == "stall":
        await _stall(response, wire, reply)
    if plan.ending == "cut":
        await _cut(request)
        return response
    seen.finished = True
    await response.write_eof()
    return response


async def _stall(response: web.StreamResponse, wire: Wire, reply: Reply) -> None:
    """Says nothing more, until the client leaves."""
    if not reply.ping_s:
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(reply.ping_s)
        await response.write(wire.ping)


async def _cut(request: web.Request) -> None:
    """Drops the connection without the end of the body."""
    # The event loop hands writes to the kernel at the end of a turn; aborting now would drop them.
    await asyncio.sleep(_FLUSH_S)
    if request.transport is not None:
        request.transport.abort()


def _document(
    wire: Wire, status: int, document: bytes, headers: dict[str, str], seen: SeenRequest
) -> web.Response:
    seen.finished = True
    return web.Response(
        status=status, body=document, headers=_headers(wire, "application/json", headers)
    )


def _headers(wire: Wire, content_type: str, scripted: dict[str, str]) -> dict[str, str]:
    headers = {"Content-Type": content_type}
    if wire.request_id_header:
        headers[wire.request_id_header] = f"req_{uuid.uuid4().hex[:24]}"
    return headers | scripted
