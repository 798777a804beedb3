"""The AsyncAPI document of the WebSocket, made from the frame types themselves."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from codelab.gateway import client_frames, server_frames
from codelab.gateway.closing import CloseCode
from codelab.gateway.encoding import kind_of

_ABOUT = """\
Text frames of JSON, at most 1 MiB each. Sign in with an `Authorization: Bearer` header, with
`?ticket=` (from `POST /api/v1/auth/ws-ticket`), or with an `auth` frame as the first one, within
five seconds. Frames with `seq` are durable: they come without gaps, and `resume` brings those
that were missed. `token` and `tool_output` are not stored; a `message` replaces what was streamed
of it, and a piece with an `offset` that is known already replaces the text from there on.
The short forms of `chat`, `tool_approval` and `cancel` have the fields of `data` beside `type`.
"""


def asyncapi_document(version: str) -> dict[str, Any]:
    """Describe the WebSocket as an AsyncAPI 3.0 document."""
    sent = _messages(get_args(client_frames.ClientFrame), "client")
    short = _messages(get_args(client_frames.FlatFrame), "client_short")
    received = _messages(get_args(server_frames.AnyServerFrame), "server")
    types = {**sent, **short, **received}
    references, schemas = msgspec.json.schema_components(
        list(types.values()), ref_template="#/components/schemas/{name}"
    )
    messages = {
        name: _message(kind, reference)
        for (name, kind), reference in zip(types.items(), references, strict=True)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CodeLab: WebSocket",
            "version": version,
            "description": _ABOUT,
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/api/v1/ws",
                "description": "The subprotocol is `codelab.v1`.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": _QUERY}},
                "x-close-codes": {str(int(code)): code.reason for code in CloseCode},
            }
        },
        # Directions are the server's own, as the standard has it.
        "operations": {
            "receiveFromClient": _operation("receive", [*sent, *short]),
            "sendToClient": _operation("send", received),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


_QUERY = {
    "type": "object",
    "properties": {"ticket": {"type": "string", "description": "A single-use ticket."}},
}


def _messages(kinds: tuple[type[msgspec.Struct], ...], prefix: str) -> dict[str, Any]:
    return {f"{prefix}_{kind_of(kind)}": kind for kind in kinds}


def _message(kind: type[msgspec.Struct], reference: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": kind_of(kind),
        "summary": (kind.__doc__ or "").strip(),
        "payload": reference,
    }


def _operation(action: str, names: Any) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": f"#/channels/socket/messages/{name}"} for name in names],
    }
