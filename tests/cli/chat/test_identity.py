"""Signing in: what is kept, what is asked, and who may read it."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from codelab.cli.chat.identity import Identity, SignInNeeded
from codelab.cli.chat.server import Server, ServerRefused, ServerUnreachable
from codelab.cli.chat.tokens import SignedIn, TokenFile


class SignIns:
    """A server that gives out numbered tokens; a refresh token works once."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.revoked: set[str] = set()
        self._number = 0
        self._refresh: set[str] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/v1/auth/login", self._login),
                web.post("/api/v1/auth/refresh", self._renew),
                web.get("/api/v1/auth/me", self._me),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Server(f"http://127.0.0.1:{runner.addresses[0][1]}")
        finally:
            await runner.cleanup()

    async def _login(self, request: web.Request) -> web.Response:
        self.calls.append("login")
        if (await request.json()) != {"username": "ann", "password": "right"}:
            return self._problem()
        return self._pair()

    async def _renew(self, request: web.Request) -> web.Response:
        self.calls.append("refresh")
        token = (await request.json())["refresh_token"]
        if token not in self._refresh:
            return self._problem()
        self._refresh.remove(token)
        return self._pair()

    async def _me(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token in self.revoked:
            return self._problem()
        return web.json_response({"token": token})

    def _pair(self) -> web.Response:
        self._number += 1
        self._refresh.add(f"r{self._number}")
        return web.json_response(
            {
                "access_token": f"a{self._number}",
                "refresh_token": f"r{self._number}",
                "expires_in": 900,
            }
        )

    def _problem(self) -> web.Response:
        body = {"code": "unauthenticated", "detail": "Name or password are wrong."}
        return web.json_response(body, status=401)


def expired(tokens: TokenFile, server: Server) -> None:
    kept = tokens.read(server.url)
    assert kept is not None
    tokens.write(
        server.url,
        SignedIn(access_token=kept.access_token, refresh_token=kept.refresh_token, expires_at=0),
    )


async def test_a_password_is_asked_once_and_the_tokens_are_kept(tmp_path: Path) -> None:
    sign_ins = SignIns()
    async with sign_ins.running() as server:
        for _ in range(2):
            identity = Identity(server, TokenFile(tmp_path), lambda: ("ann", "right"))
            assert await identity.access_token() == "a1"
    assert sign_ins.calls == ["login"]


async def test_only_the_owner_may_read_the_tokens(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    async with SignIns().running() as server:
        await Identity(server, TokenFile(folder), lambda: ("ann", "right")).access_token()
    assert stat.S_IMODE((folder / "tokens.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_an_expired_token_is_refreshed_by_one_terminal_only(tmp_path: Path) -> None:
    sign_ins = SignIns()
    async with sign_ins.running() as server:
        tokens = TokenFile(tmp_path)
        await Identity(server, tokens, lambda: ("ann", "right")).access_token()
        expired(tokens, server)
        one = Identity(server, tokens, lambda: None)
        assert set(await asyncio.gather(*(one.access_token() for _ in range(5)))) == {"a2"}
    assert sign_ins.calls == ["login", "refresh"]


async def test_an_ended_sign_in_asks_again(tmp_path: Path) -> None:
    sign_ins = SignIns()
    async with sign_ins.running() as server:
        tokens = TokenFile(tmp_path)
        gone = SignedIn(access_token="old", refresh_token="gone", expires_at=0)
        tokens.write(server.url, gone)
        assert await Identity(server, tokens, lambda: ("ann", "right")).access_token() == "a1"
        tokens.write(server.url, gone)
        with pytest.raises(SignInNeeded):
            await Identity(server, tokens, lambda: None).access_token()
        assert tokens.read(server.url) is None


async def test_a_token_that_the_server_does_not_take_is_renewed(tmp_path: Path) -> None:
    sign_ins = SignIns()
    async with sign_ins.running() as server:
        identity = Identity(server, TokenFile(tmp_path), lambda: ("ann", "right"))
        assert await identity.call("GET", "auth/me") == {"token": "a1"}
        sign_ins.revoked.add("a1")
        assert await identity.call("GET", "auth/me") == {"token": "a2"}


async def test_a_wrong_password_is_said_in_the_servers_words(tmp_path: Path) -> None:
    async with SignIns().running() as server:
        with pytest.raises(ServerRefused, match="Name or password are wrong"):
            await Identity(server, TokenFile(tmp_path), lambda: ("ann", "no")).access_token()


async def test_servers_do_not_share_sign_ins(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path)
    signed_in = SignedIn(access_token="a", refresh_token="r", expires_at=time.time() + 999)
    tokens.write("http://one", signed_in)
    assert tokens.read("http://two") is None
    tokens.write("http://one", None)
    assert tokens.read("http://one") is None


def test_a_broken_token_file_is_like_none(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("{")
    assert TokenFile(tmp_path).read("http://one") is None


async def test_nobody_there_is_one_sentence_with_advice(tmp_path: Path) -> None:
    async with SignIns().running() as server:
        pass
    with pytest.raises(ServerUnreachable, match="codelab serve"):
        await server.call("GET", "auth/me")


@pytest.mark.parametrize(
    ("given", "url", "socket"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000/api/v1/ws"),
        ("localhost:9", "http://localhost:9", "ws://localhost:9/api/v1/ws"),
        ("https://x.org/lab/", "https://x.org/lab", "wss://x.org/lab/api/v1/ws"),
    ],
)
def test_addresses(given: str, url: str, socket: str) -> None:
    server = Server(given)
    assert (server.url, server.socket_url) == (url, socket)


@pytest.mark.parametrize("given", ["ftp://x", "http://", ""])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ServerUnreachable):
        Server(given)
