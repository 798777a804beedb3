"""The documents that describe the outside: OpenAPI from the routes, AsyncAPI from the frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from codelab.auth.api import PUBLIC
from codelab.gateway.asyncapi import asyncapi_document
from codelab.gateway.problems import MEDIA_TYPE, Problem

_PROBLEMS = {
    "400": "The request is malformed.",
    "401": "Sign in first.",
    "403": "This user may not do this.",
    "404": "There is no such thing, or it is somebody else's.",
    "409": "It is not in a state in which this can be done.",
    "410": "The project folder is not there any more.",
    "412": "It has changed meanwhile.",
    "413": "It is too large.",
    "415": "Its content cannot be read as what is wanted.",
    "422": "A field is wrong; `errors` names it.",
    "429": "A limit is used up; `Retry-After` says for how long.",
    "500": "Something failed; `request_id` finds it in the server's log.",
    "503": "Something that is needed is away; `Retry-After` says for how long.",
    "507": "The disk is full.",
}
_REFERENCE = "#/components/schemas/{name}"
_CLOSED = {"additionalProperties": False}

# What a route that reads its body itself says in its `opt`: the body's type, and whether it may
# answer with a stream of events.
_BODY, _STREAMS = "request_body", "may_stream"

# A path and a method in lower case.
Place = tuple[str, str]


def openapi_config(version: str) -> OpenAPIConfig:
    """Configure the OpenAPI document and the addresses of both documents."""
    asyncapi = msgspec.json.encode(asyncapi_document(version))

    @get("/asyncapi.json", include_in_schema=False, sync_to_thread=False)
    def read_asyncapi() -> Response[bytes]:
        """Return the description of the WebSocket."""
        return Response(asyncapi, media_type=MediaType.JSON)

    return OpenAPIConfig(
        title="CodeLab",
        version=version,
        description="A self-hosted AI development environment. The WebSocket is described in "
        "`/schema/asyncapi.json`.",
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
        security=[{"bearer": []}],
        openapi_router=Router(
            "/schema", route_handlers=[read_asyncapi], opt=dict(PUBLIC), include_in_schema=False
        ),
        render_plugins=[_Document(path="/openapi.json", media_type=MediaType.JSON)],
    )


def completed(
    document: dict[str, Any], handlers: Mapping[Place, HTTPRouteHandler]
) -> dict[str, Any]:
    """Say of every operation who may call it, what it takes and which problems it answers with.

    Args:
        document: The document as the framework makes it.
        handlers: The operations.
    """
    bodies = {place: one.opt[_BODY] for place, one in handlers.items() if _BODY in one.opt}
    (reference, *references), schemas = msgspec.json.schema_components(
        [Problem, *bodies.values()], ref_template=_REFERENCE
    )
    read = dict(zip(bodies, references, strict=True))
    components = document.get("components", {})
    known = components.get("schemas", {})
    closed = {name: _CLOSED | known[name] for name in _closed_bodies(handlers) & known.keys()}
    responses = {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": reference}}}
        for status, text in _PROBLEMS.items()
    }
    paths = {
        path: {
            method: _operation(operation, handlers[path, method], read.get((path, method)))
            for method, operation in item.items()
            if isinstance(operation, dict)
        }
        for path, item in document.get("paths", {}).items()
    }
    return document | {
        "paths": paths,
        "components": components | {"schemas": known | closed | schemas, "responses": responses},
    }


def _operation(
    operation: dict[str, Any], handler: HTTPRouteHandler, body: dict[str, Any] | None
) -> dict[str, Any]:
    # The framework documents errors of its own form, which never leave this server.
    declared = {str(status) for status in handler.responses or ()}
    own = {
        status: response
        for status, response in operation.get("responses", {}).items()
        if status.startswith(("1", "2", "3")) or status in declared
    }
    linked = {status: {"$ref": f"#/components/responses/{status}"} for status in _PROBLEMS}
    is_public = PUBLIC.items() <= handler.opt.items()
    security: dict[str, Any] = {"security": []} if is_public else {}
    if handler.opt.get(_STREAMS):
        # Without a schema: it would be one of the whole text, and readers take it for each event's.
        own["200"]["content"]["text/event-stream"] = {}
    taken: dict[str, Any] = {}
    if body is not None:
        content = {MediaType.JSON.value: {"schema": body}}
        taken["requestBody"] = {"required": True, "content": content}
    return operation | taken | {"responses": linked | own} | security


def _closed_bodies(handlers: Mapping[Place, HTTPRouteHandler]) -> set[str]:
    """Find the bodies that take no other fields than their own, which the framework leaves out."""
    bodies = [
        handler.parsed_data_field.annotation
        for handler in handlers.values()
        if handler.parsed_data_field and handler.resolve_include_in_schema()
    ]
    _, schemas = msgspec.json.schema_components(bodies)
    return {name for name, schema in schemas.items() if _CLOSED.items() <= schema.items()}


def _handlers(app: Litestar) -> dict[Place, HTTPRouteHandler]:
    return {
        (route.path_format, method.lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }


class _Document(OpenAPIRenderPlugin):
    """Serves the document, made once."""

    _written: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document as JSON."""
        if self._written is None:
            document = completed(openapi_schema, _handlers(request.app))
            self._written = self.render_json(request, document)
        return self._written
