"""The module's routes behind a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import uvicorn
from litestar import Litestar, Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.middleware import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
    DefineMiddleware,
)

from codelab.auth.api import PUBLIC, Principal
from codelab.auth.errors import Unauthenticated
from codelab.kit.errors import CodeLabError, Forbidden
from codelab.llm.api import Models
from codelab.llm.routes import router, v1_router
from tests.llm.layer import eventually

SECRET = "a-secret-between-services"


class ByName(AbstractAuthenticationMiddleware):
    """Takes the header's word for who asks: `USER_ID ROLE`."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        user_id, _, role = connection.headers.get("authorization", "").partition(" ")
        if not user_id:
            raise Unauthenticated("Say who you are.")
        principal = Principal(
            user_id=user_id, name=user_id, role="admin" if role == "admin" else "user"
        )
        return AuthenticationResult(user=principal, auth=None)


def authorise(headers: Mapping[str, str]) -> Principal:
    if headers.get("x-internal-secret") != SECRET:
        raise Forbidden("The secret is wrong.")
    return Principal(user_id="", name="service")


def problem(request: Request[Any, Any, Any], error: CodeLabError) -> Response[dict[str, Any]]:
    return Response({"code": error.code}, status_code=error.status)


class Api:
    """The routes behind a real server."""

    def __init__(self, models: Models, url: str, http: aiohttp.ClientSession) -> None:
        self.models = models
        self.url = url
        self.http = http

    async def get(self, path: str, user: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.url}{path}", headers={"Authorization": user}) as answer:
            return answer.status, await answer.json()

    async def chat(self, secret: str = SECRET, **body: Any) -> tuple[int, Any]:
        document = {"model": "openai", "messages": [{"role": "user", "content": "Hi"}], **body}
        async with self.http.post(
            f"{self.url}/llm/chat/completions",
            data=msgspec.json.encode(document),
            headers={"X-Internal-Secret": secret},
        ) as answer:
            return answer.status, msgspec.json.decode(await answer.read())


@asynccontextmanager
async def served(models: Models) -> AsyncIterator[Api]:
    """Serve the routes on loopback."""
    (opt_key,) = PUBLIC
    by_name = DefineMiddleware(ByName, exclude_from_auth_key=opt_key)
    app = Litestar(
        [
            Router("/", route_handlers=[router(models, authorise)], middleware=[by_name]),
            v1_router(models, by_name),
        ],
        exception_handlers={CodeLabError: problem},
    )
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http:
        yield Api(models, f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving
