"""The documents that describe the outside: OpenAPI from the routes, AsyncAPI from the frames."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
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
    "412": "It has changed meanwhile.",
    "413": "The body is too large.",
    "422": "A field is wrong; `errors` names it.",
    "429": "A limit is used up; `Retry-After` says for how long.",
    "500": "Something failed; `request_id` finds it in the server's log.",
    "503": "Something that is needed is away; `Retry-After` says for how long.",
}
_REFERENCE = "#/components/schemas/{name}"


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
        openapi_router=Router("/schema", route_handlers=[read_asyncapi], opt=dict(PUBLIC)),
        render_plugins=[_Document(path="/openapi.json", media_type=MediaType.JSON)],
    )


def completed(document: dict[str, Any], public: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Say of every operation who may call it and which problems it may answer with.

    Args:
        document: The document as the framework makes it.
        public: The operations that need no sign-in, as path and method in lower case.
    """
    (reference,), schemas = msgspec.json.schema_components([Problem], ref_template=_REFERENCE)
    components = document.get("components", {})
    responses = {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": reference}}}
        for status, text in _PROBLEMS.items()
    }
    linked = {status: {"$ref": f"#/components/responses/{status}"} for status in responses}
    paths = {
        path: {
            method: _operation(operation, linked, is_public=(path, method) in public)
            for method, operation in item.items()
            if isinstance(operation, dict)
        }
        for path, item in document.get("paths", {}).items()
    }
    return document | {
        "paths": paths,
        "components": components
        | {"schemas": components.get("schemas", {}) | schemas, "responses": responses},
    }


def _operation(
    operation: dict[str, Any], linked: dict[str, Any], *, is_public: bool
) -> dict[str, Any]:
    # The framework documents errors of its own form, which never leave this server.
    own = {
        status: response
        for status, response in operation.get("responses", {}).items()
        if status.startswith(("1", "2", "3"))
    }
    security: dict[str, Any] = {"security": []} if is_public else {}
    return operation | {"responses": own | linked} | security


def _public(app: Litestar) -> set[tuple[str, str]]:
    return {
        (route.path_format, method.lower())
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if PUBLIC.items() <= handler.opt.items()
    }


class _Document(OpenAPIRenderPlugin):
    """Serves the document, made once."""

    _written: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document as JSON."""
        if self._written is None:
            document = completed(openapi_schema, _public(request.app))
            self._written = self.render_json(request, document)
        return self._written
