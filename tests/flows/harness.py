"""A real CodeLab process on loopback, and a client of its REST and WebSocket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from tests.conftest import Stores
from tests.support.http import one_by_one

Frame = dict[str, Any]
Answer = Callable[[Frame], dict[str, Any] | None]

USER, PASSWORD = "ada", "a-long-enough-password"
_START_S = 30.0
_TURN_S = 40.0


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class CodeLab:
    """How one server process is started.

    Args:
        folder: Where its data folder is.
        project: The workspace it serves.
        stores: Its database and Redis.
        models: The content of its models.yaml.
        extra: Further environment variables.
    """

    folder: Path
    project: Path
    stores: Stores
    models: str
    extra: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the process has printed."""
        return self.folder / f"server-{self.port}.log"

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the process: nothing of the test's own leaks in."""
        models = self.folder / "models.yaml"
        models.write_text(self.models)
        chosen = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "CODELAB_DATA_DIR": str(self.folder / "data"),
            "CODELAB_DATABASE_URL": self.stores.database_url,
            "CODELAB_REDIS_URL": self.stores.redis_url or "",
            "CODELAB_MODELS_FILE": str(models),
            # The scripted model needs none of it, and each start would pay for it.
            "CODELAB_LITELLM_PRELOAD": "false",
            # A process of its own for an index that few tests ask.
            "CODELAB_INDEX_ENGINE": "off",
            "CODELAB_SECRET_KEY": "kV3mJ0pQ8xZ2tB7nL5cR9wY1sD4fG6hA-uEoTiKbNqM",
        }
        return chosen | self.extra

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run a codelab command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "codelab", *arguments],
            input=stdin,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise AssertionError(f"codelab {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def pid(self) -> int:
        """The running process."""
        if self.process is None:
            raise RuntimeError("the server does not run")
        return self.process.pid

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting for anything."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "codelab", "serve"),
                    *("--port", str(self.port), "--workspace", str(self.project)),
                ],
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        return self.process

    async def start(self) -> None:
        """Start the server and wait until it is healthy."""
        process = self.spawn()
        deadline = time.monotonic() + _START_S
        async with one_by_one() as http:
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    async with http.get(f"{self.url}/health/live") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server and return its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(40)
        self.process = None
        return code


@dataclass(frozen=True)
class Door:
    """A proxy before the servers: its address, and what its clients must trust."""

    url: str
    tls: ssl.SSLContext


class Client:
    """A signed-in user: REST calls, and turns over a WebSocket."""

    def __init__(
        self, server: CodeLab, http: aiohttp.ClientSession, token: str, *, door: Door | None = None
    ) -> None:
        self.server = server
        self.http = http
        self.token = token
        self.door = door

    @property
    def url(self) -> str:
        """Where it connects: to the server itself, or to the proxy before it."""
        return self.door.url if self.door else self.server.url

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    async def call(
        self, method: str, path: str, body: object = None, *, expect: int | None = None
    ) -> Any:
        """Make a REST call and return the decoded answer."""
        url = f"{self.url}/api/v1/{path}"
        async with self.http.request(method, url, json=body, headers=self.headers) as response:
            text = await response.text()
            wanted = (expect,) if expect else (200, 201, 204)
            assert response.status in wanted, f"{method} {path}: {response.status} {text}"
            return msgspec.json.decode(text) if text else None

    async def new_session(self, **fields: Any) -> str:
        """Open a session on the only workspace and return its id."""
        (workspace,) = items(await self.call("GET", "workspaces"))
        record = await self.call("POST", "sessions", {"workspace_id": workspace["id"], **fields})
        return str(record["id"])

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """Open a WebSocket, past its greeting."""
        url = f"{self.url.replace('http', 'ws')}/api/v1/ws"
        async with connect(
            url,
            additional_headers=self.headers,
            subprotocols=[Subprotocol("codelab.v1")],
            proxy=None,
            ssl=self.door.tls if self.door else None,
        ) as socket:
            hello = msgspec.json.decode(await socket.recv())
            assert hello["type"] == "hello", hello
            yield socket

    async def turn(
        self, session_id: str, message: str, answer: Answer | None = None, **data: Any
    ) -> list[Frame]:
        """Ask, answer each approval as `answer` says, and return all frames up to `done`."""
        async with self.socket() as socket:
            await send(socket, "chat", session_id, message=message, **data)
            return await collect(socket, session_id, answer)


async def send(socket: ClientConnection, kind: str, session_id: str, **data: Any) -> None:
    """Send one frame in the envelope form."""
    frame = {"type": kind, "session_id": session_id, "data": data}
    await socket.send(msgspec.json.encode(frame).decode())


async def collect(
    socket: ClientConnection, session_id: str, answer: Answer | None = None
) -> list[Frame]:
    """Read frames up to `done`; answer approvals on the way."""
    frames: list[Frame] = []
    async with asyncio.timeout(_TURN_S):
        async for text in socket:
            frame = msgspec.json.decode(text)
            frames.append(frame)
            data = frame.get("data", {})
            if frame["type"] == "done":
                return frames
            if frame["type"] == "tool_call" and data.get("requires_approval"):
                decision = answer(data) if answer else None
                if decision is not None:
                    await send(
                        socket,
                        "tool_approval",
                        session_id,
                        approval_id=data["approval_id"],
                        **decision,
                    )
    raise AssertionError(f"the connection ended before the turn: {frames[-3:]}")


def of_type(frames: list[Frame], kind: str) -> list[dict[str, Any]]:
    """Return the data of all frames of one type."""
    return [frame["data"] for frame in frames if frame["type"] == kind]


def spoken(frames: list[Frame], agent: str | None = None) -> str:
    """Return the text that was streamed, of one agent or of all."""
    return "".join(
        token["text"] for token in of_type(frames, "token") if agent in (None, token["agent"])
    )


def approve(data: Frame) -> dict[str, Any]:
    """Answer yes."""
    return {"approved": True}


@asynccontextmanager
async def signed_in(server: CodeLab, name: str = USER) -> AsyncIterator[Client]:
    """Sign a user in: the test's own, or another with the same password."""
    async with one_by_one() as http:
        body = {"username": name, "password": PASSWORD}
        async with http.post(f"{server.url}/api/v1/auth/login", json=body) as response:
            assert response.status in (200, 201), await response.text()
            tokens = await response.json()
        yield Client(server, http, tokens["access_token"])


def items(answer: Any) -> list[dict[str, Any]]:
    """Return the items of a list or of a page."""
    return answer if isinstance(answer, list) else answer["items"]
