"""litellm as a library, behind the least server that streams: what there is without a gateway."""

from __future__ import annotations

import os
from typing import Any

import litellm
import msgspec

_HEAD = {"content-type": "text/event-stream"}.items()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer any request by a stream of litellm's, each piece in an event of its own."""
    if scope["type"] != "http":
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    asked = msgspec.json.decode(body)
    answer = await litellm.acompletion(
        **asked, api_base=os.environ["BENCH_UPSTREAM"], api_key="bench"
    )
    headers = [(name.encode(), value.encode()) for name, value in _HEAD]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in answer:
        delta = {"content": chunk.choices[0].delta.content}
        event = b"data: " + msgspec.json.encode({"choices": [{"delta": delta}]}) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
