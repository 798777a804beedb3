"""The server's REST interface as the terminal client uses it, on the standard library alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from codelab.kit.errors import CodeLabError

_TIMEOUT_S = 30


class ServerUnreachable(CodeLabError):
    """Nothing answers at the server's address."""

    code = "server_unreachable"
    title = "No server"


class ServerRefused(CodeLabError):
    """The server answered with a problem.

    Args:
        status: The HTTP status.
        code: The problem's stable code.
        message: Its sentence.
    """

    code = "server_refused"
    title = "The server refused"

    def __init__(self, status: int, problem: str, message: str) -> None:
        super().__init__(message)
        self.http_status = status
        self.problem = problem


class Server:
    """A CodeLab server.

    Args:
        url: Its address, such as `http://127.0.0.1:8000`.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerUnreachable(f"{url!r} is no address of a server.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._parts = urlsplit(self.url)

    @property
    def socket_url(self) -> str:
        """Return the WebSocket's address."""
        return f"ws{self.url.removeprefix('http')}/api/v1/ws"

    async def reach(self) -> None:
        """See that somebody answers, before anybody types a password.

        Raises:
            ServerUnreachable: Nobody does.
        """
        with suppress(ServerRefused):
            await self.fetch("GET", "auth/me")

    async def call(
        self, method: str, path: str, *, body: Any = None, token: str | None = None
    ) -> Any:
        """Call the interface and return the decoded answer, none for an empty one.

        Raises:
            ServerUnreachable: Nothing answers.
            ServerRefused: The answer was a problem.
        """
        content = await self.fetch(method, path, body=body, token=token)
        return json.loads(content) if content else None

    async def fetch(
        self, method: str, path: str, *, body: Any = None, token: str | None = None
    ) -> bytes:
        """Call the interface and return the answer's bytes; raises like `call`."""
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        target = f"{self._parts.path}/api/v1/{path}"
        return await asyncio.to_thread(self._exchange, method, target, content, headers)

    def _exchange(
        self, method: str, target: str, content: bytes | None, headers: dict[str, str]
    ) -> bytes:
        connect = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        host = self._parts.hostname or ""
        connection = connect(host, self._parts.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, target, content, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException):
            raise ServerUnreachable(
                f"No CodeLab answers at {self.url}: start one with `codelab serve`, "
                "or name another with --server."
            ) from None
        finally:
            connection.close()
        if response.status >= 300:
            raise _problem(response.status, answer)
        return answer


def _problem(status: int, answer: bytes) -> ServerRefused:
    try:
        problem = json.loads(answer)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    message = problem.get("detail") or problem.get("title") or f"HTTP status {status}."
    return ServerRefused(status, str(problem.get("code", "")), str(message))
