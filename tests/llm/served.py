"""The module's routes behind a real server."""

from __future__ import annotations

import asyncio
import io
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
from codelab.llm.routes import Permission, router, v1_router
from tests.llm.layer import eventually
from tests.support.http import one_by_one

SECRET = "a-secret-between-services"


class ByName(AbstractAuthenticationMiddleware):
    """Takes the header's word for who asks: `USER_ID ROLE`."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        word = connection.headers.get("authorization", "").removeprefix("Bearer ")
        user_id, _, role = word.partition(" ")
        if not user_id:
            raise Unauthenticated("Say who you are.")
        principal = Principal(
            user_id=user_id, name=user_id, role="admin" if role == "admin" else "user"
        )
        return AuthenticationResult(user=principal, auth=None)


async def anybody(principal: Principal) -> bool:
    return True


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
        self.headers: dict[str, str] = {}

    async def get(self, path: str, user: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.url}{path}", headers={"Authorization": user}) as answer:
            return answer.status, await answer.json()

    async def v1(
        self, method: str, path: str, body: object = None, user: str = "u"
    ) -> tuple[int, Any]:
        headers = {"Authorization": user} if user else {}
        data = io.BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(body))
        async with self.http.request(
            method, f"{self.url}/v1{path}", data=None if body is None else data, headers=headers
        ) as answer:
            assert answer.content_type == "application/json"
            self.headers = dict(answer.headers)
            return answer.status, msgspec.json.decode(await answer.read())

    async def events(self, path: str, body: object) -> list[dict[str, Any]]:
        """The events of a stream, each with its name under `event`."""
        async with self.http.post(
            f"{self.url}/v1{path}", json=body, headers={"Authorization": "u"}
        ) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            found = []
            for event in (await answer.text()).strip().split("\n\n"):
                name, data = event.split("\n")
                payload = msgspec.json.decode(data.removeprefix("data: "))
                found.append({"event": name.removeprefix("event: "), **payload})
            return found

    async def chat(self, secret: str = SECRET, **body: Any) -> tuple[int, Any]:
        document = {"model": "openai", "messages": [{"role": "user", "content": "Hi"}], **body}
        async with self.http.post(
            f"{self.url}/llm/chat/completions",
            data=msgspec.json.encode(document),
            headers={"X-Internal-Secret": secret},
        ) as answer:
            return answer.status, msgspec.json.decode(await answer.read())


def app_of(models: Models, permission: Permission | None = None) -> Litestar:
    """Make an application of the routes."""
    (opt_key,) = PUBLIC
    by_name = DefineMiddleware(ByName, exclude_from_auth_key=opt_key)
    return Litestar(
        [
            Router("/", route_handlers=[router(models, authorise)], middleware=[by_name]),
            v1_router(models, by_name, permission or Permission(anybody)),
        ],
        exception_handlers={CodeLabError: problem},
    )


@asynccontextmanager
async def served(models: Models, permission: Permission | None = None) -> AsyncIterator[Api]:
    """Serve the routes on loopback."""
    app = app_of(models, permission)
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with one_by_one() as http:
        yield Api(models, f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving
