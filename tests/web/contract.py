"""What the browser interface's types are made from: the server's OpenAPI and its frames.

`python -m tests.web.contract` prints both as one JSON object; web/scripts/types.mjs reads it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec

from codelab.app import create_app
from codelab.gateway.client_frames import ClientFrame
from codelab.gateway.server_frames import AnyServerFrame
from codelab.kit import log
from codelab.kit.secret_key import new_key
from codelab.plugins import load_plugins
from codelab.settings import load

_UNIONS = {"ServerFrame": get_args(AnyServerFrame), "ClientFrame": get_args(ClientFrame)}


async def rest() -> dict[str, Any]:
    """Return the OpenAPI document of a server without plugins."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"CODELAB_DATA_DIR": str(Path(folder)), "CODELAB_SECRET_KEY": new_key()})
        asgi: Any = create_app(settings, plugins=load_plugins()).asgi
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi), base_url="http://codelab.test"
        ) as http:
            answer = (await http.get("/schema/openapi.json")).raise_for_status()
    document: dict[str, Any] = answer.json()
    # A new version alone changes no type.
    document["info"]["version"] = "0"
    return document


def frames() -> dict[str, Any]:
    """Describe the WebSocket's frames as one JSON Schema, with a definition for each type."""
    reference = "#/definitions/{name}"
    kinds = [kind for union in _UNIONS.values() for kind in union]
    references, definitions = msgspec.json.schema_components(kinds, ref_template=reference)
    of_kind = dict(zip(kinds, references, strict=True))
    unions = {name: {"anyOf": [of_kind[kind] for kind in union]} for name, union in _UNIONS.items()}
    return {
        "title": "Frames",
        "type": "object",
        "additionalProperties": False,
        "required": ["server", "client"],
        "properties": {
            "server": {"$ref": "#/definitions/ServerFrame"},
            "client": {"$ref": "#/definitions/ClientFrame"},
        },
        "definitions": {**unions, **definitions},
    }


if __name__ == "__main__":
    log.configure("warning")
    sys.stdout.buffer.write(msgspec.json.encode({"rest": asyncio.run(rest()), "frames": frames()}))
