"""Signing in at a server: with what is kept, what the surroundings say, or what is typed."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from typing import Any

from codelab.cli.chat.server import Server, ServerRefused
from codelab.cli.chat.tokens import SignedIn, TokenFile
from codelab.kit.errors import CodeLabError

AskCredentials = Callable[[], tuple[str, str] | None]

_UNAUTHENTICATED = 401
_MARGIN_S = 60


class SignInNeeded(CodeLabError):
    """There is no valid sign-in, and nobody to ask for a password."""

    code = "sign_in_needed"
    title = "Sign in first"


class Identity:
    """Who this terminal is at a server; hands out access tokens that are good for a while.

    Args:
        server: The server.
        tokens: Where sign-ins are kept.
        ask: Asks the human for user name and password; none if there is nobody to ask.
    """

    def __init__(self, server: Server, tokens: TokenFile, ask: AskCredentials) -> None:
        self._server = server
        self._tokens = tokens
        self._ask = ask
        self._one_at_a_time = asyncio.Lock()

    @property
    def server(self) -> str:
        """The server's address."""
        return self._server.url

    async def access_token(
        self, *, refused: str | None = None, fresh_for_s: float = _MARGIN_S
    ) -> str:
        """Return an access token.

        Args:
            refused: A token that the server did not take, whatever its date says.
            fresh_for_s: How long the token must last.

        Raises:
            SignInNeeded: There is nobody to ask for a password.
            ServerRefused: The server did not accept the password.
        """
        async with self._one_at_a_time:
            return await self._access_token(refused, fresh_for_s)

    async def _access_token(self, refused: str | None, fresh_for_s: float) -> str:
        with self._tokens.locked():
            kept = self._tokens.read(self._server.url)
            if kept is not None and kept.access_token != refused and kept.lasts(fresh_for_s):
                return kept.access_token
            signed_in = await self._refresh(kept) if kept is not None else None
            self._tokens.write(self._server.url, signed_in)
        if signed_in is None:
            signed_in = await self._sign_in()
            with self._tokens.locked():
                self._tokens.write(self._server.url, signed_in)
        return signed_in.access_token

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's interface as this user and return the decoded answer."""
        content = await self.fetch(path, method=method, body=body)
        return json.loads(content) if content else None

    async def fetch(self, path: str, *, method: str = "GET", body: Any = None) -> bytes:
        """Call the server's interface as this user and return the answer's bytes."""
        token = await self.access_token()
        try:
            return await self._server.fetch(method, path, body=body, token=token)
        except ServerRefused as error:
            if error.http_status != _UNAUTHENTICATED:
                raise
        token = await self.access_token(refused=token)
        return await self._server.fetch(method, path, body=body, token=token)

    async def _refresh(self, kept: SignedIn) -> SignedIn | None:
        body = {"refresh_token": kept.refresh_token}
        try:
            return _signed_in(await self._server.call("POST", "auth/refresh", body=body))
        except ServerRefused as error:
            if error.http_status != _UNAUTHENTICATED:
                raise
            return None

    async def _sign_in(self) -> SignedIn:
        credentials = self._ask()
        if credentials is None:
            raise SignInNeeded(
                "You are not signed in: set CODELAB_USERNAME and CODELAB_PASSWORD, "
                "or run `codelab chat` in a terminal once."
            )
        name, password = credentials
        body = {"username": name, "password": password}
        return _signed_in(await self._server.call("POST", "auth/login", body=body))


def from_environment() -> tuple[str, str] | None:
    """Return user name and password from CODELAB_USERNAME and CODELAB_PASSWORD."""
    name, password = os.environ.get("CODELAB_USERNAME"), os.environ.get("CODELAB_PASSWORD")
    return (name, password) if name and password else None


def _signed_in(answer: dict[str, Any]) -> SignedIn:
    return SignedIn(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        expires_at=time.time() + answer["expires_in"],
    )
