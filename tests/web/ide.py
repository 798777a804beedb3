"""The browser interface of a real server, as tests use it. How to write a flow:

    async def test_a_file_is_renamed(ide: Ide) -> None:
        await ide.script(Reply(text="Done."))          # what the scripted model will answer
        page = await ide.open()                        # signed in, in the user's own project
        await page.get_by_role("button", name="Files").click()
        await expect(page.get_by_role("treeitem", name="README.md")).to_be_visible()
        await ide.check_accessibility(page)

Put it into tests/web/flows/. The fixture `ide` gives every test a user and a project of its own
(the small shop of tests/flows, a git repository in `ide.project`), and pages without any memory;
the server, the scripted model and Chromium are shared by the tests of one process, so leave the
server's settings alone. A test that stops the server, or that needs settings or a fresh
installation, takes the fixture `own_ide`, which starts one (about three seconds) without a user:
`ide = await own_ide(CODELAB_CONTEXT_TOKENS="4000")`, then `await ide.set_up()`.

Find elements as a user does, by role and name, and wait with playwright's `expect`, never by
sleeping. A test fails at its end if a page broke its policy, wrote an error or a warning to the
console or asked another host; what a test provokes on purpose it announces before, for example
`ide.expect("status of 401")`. Without Chromium the tests are left out and say how to install it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    WebSocket,
    expect,
)

from tests.flows.harness import Client, CodeLab
from tests.model_server.process import ModelServer
from tests.model_server.script import Reply, SeenRequest
from tests.support.http import one_by_one
from tests.web.accessibility import check_accessibility
from tests.web.browser import Watch

Theme = Literal["light", "dark"]
Language = Literal["en", "ru"]

PASSWORD = "a-long-enough-password"
WIDE, MEDIUM, PHONE = (1440, 900), (1024, 768), (430, 932)

_CONNECT_S = 15.0
_LOCALES = {"en": "en-GB", "ru": "ru-RU"}
# Where the interface keeps what survives a reload.
SIGN_IN = "codelab.sign-in"


@dataclass(frozen=True)
class Look:
    """A browser's size, and what its user prefers."""

    size: tuple[int, int] = WIDE
    theme: Theme = "light"
    language: Language = "en"


@dataclass(frozen=True)
class User:
    """Somebody who can sign in, and a client of the server's REST and WebSocket in their name."""

    name: str
    client: Client
    pair: dict[str, Any]


class Ide:
    """A server, its users and their browsers; see this file's first lines.

    Args:
        server: The running server.
        browser: Chromium.
        model: The scripted model.
        key: Where the server's model has its script.
        project: The folder of the test's project.
        http: For requests beside the browser.
        door: Where browsers find the server, if a proxy stands before it.
    """

    def __init__(
        self,
        server: CodeLab,
        browser: Browser,
        model: ModelServer,
        key: str,
        project: Path,
        http: aiohttp.ClientSession,
        door: str = "",
    ) -> None:
        self.server = server
        self.url = door or server.url
        self.project = project
        self.workspace_id = ""
        self._user: User | None = None
        self._browser = browser
        self._model = model
        self._key = key
        self._http = http
        self._watch = Watch(self.url)
        self._contexts = AsyncExitStack()
        self._before = 0
        self._heard: dict[Page, asyncio.Event] = {}

    @property
    def user(self) -> User:
        """The test's own user."""
        if self._user is None:
            raise RuntimeError("this server has no user yet")
        return self._user

    async def set_up(self, name: str = "root") -> User:
        """Make the first administrator of a server of the test's own, who becomes its user."""
        await set_up(self.server, self._http, name)
        await self.begin(await self.signed_in(name))
        return self.user

    async def begin(self, user: User) -> None:
        """Make a user the test's own, and the project theirs."""
        self._user = user
        made = await user.client.call("POST", "workspaces", {"path": str(self.project)})
        self.workspace_id = made["id"]

    async def signed_in(self, name: str, password: str = PASSWORD) -> User:
        """Sign somebody in beside the browser."""
        body = {"username": name, "password": password}
        async with self._http.post(f"{self.server.url}/api/v1/auth/login", json=body) as response:
            assert response.status in (200, 201), await response.text()
            pair = await response.json()
        return User(name, Client(self.server, self._http, pair["access_token"]), pair)

    async def administrator(self) -> User:
        """Make an administrator of the test's own: the server keeps what they choose in a page."""
        return await new_user(
            self, await self.signed_in("root"), f"{self.user.name}-admin", "admin"
        )

    async def script(self, *replies: Reply) -> None:
        """Set what the model answers from now on, one reply for each request."""
        await self._model.script(self._key, replies)
        self._before = len(await self._model.requests(self._key))

    async def asked(self) -> Sequence[SeenRequest]:
        """Return what the model was asked since the last `script`."""
        return (await self._model.requests(self._key))[self._before :]

    async def new_session(self, **fields: Any) -> str:
        """Make a session in the project and return its id."""
        body = {"workspace_id": self.workspace_id, **fields}
        return str((await self.user.client.call("POST", "sessions", body))["id"])

    async def open(
        self, path: str | None = None, *, user: User | None = None, look: Look = Look()
    ) -> Page:
        """Open the interface in a browser that is signed in.

        Args:
            path: An address of the interface; the test's project by default.
            user: Who is signed in; the test's own user by default.
            look: The browser's size and preferences.
        """
        # A sign-in of its own: each browser renews and ends its own.
        somebody = await self.signed_in((user or self.user).name)
        pair = somebody.pair
        kept = {
            "access": pair["access_token"],
            "refresh": pair["refresh_token"],
            "endsAt": (time.time() + pair["expires_in"]) * 1000,
        }
        state: StorageState = {
            "cookies": [],
            "origins": [
                {
                    "origin": self.url,
                    "localStorage": [{"name": SIGN_IN, "value": json.dumps(kept)}],
                }
            ],
        }
        page = await self._page(look, state)
        await page.goto(self.url + (path or f"/w/{self.workspace_id}"))
        await self._connected(page)
        return page

    async def visit(self, path: str = "/", *, look: Look = Look()) -> Page:
        """Open the interface as somebody who has never been there."""
        page = await self._page(look, None)
        await page.goto(self.url + path)
        return page

    async def sign_in(self, page: Page, name: str, password: str = PASSWORD) -> None:
        """Fill in the form of the sign-in page, in English, and send it."""
        await page.get_by_label("User name").fill(name)
        await page.get_by_label("Password", exact=True).fill(password)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_label("Password", exact=True)).to_have_count(0)
        await self._connected(page)

    def expect(self, *parts: str) -> None:
        """Let console errors pass whose text has one of the parts, for example a refusal's."""
        self._watch.expect(*parts)

    def violations(self) -> list[str]:
        """Return what the pages so far have reported against their policy."""
        return [found for found in self._watch.complaints() if "Policy violated" in found]

    async def check_accessibility(self, page: Page) -> None:
        """Fail with each violation of WCAG 2.2 AA that axe finds."""
        await check_accessibility(page)

    async def close(self) -> None:
        """Close the browsers and fail with what went wrong in them."""
        await self._contexts.aclose()
        complaints = self._watch.complaints()
        assert not complaints, "\n".join(complaints)

    async def _page(self, look: Look, state: StorageState | None) -> Page:
        context: BrowserContext = await self._browser.new_context(
            viewport={"width": look.size[0], "height": look.size[1]},
            color_scheme=look.theme,
            locale=_LOCALES[look.language],
            reduced_motion="reduce",
            storage_state=state,
            has_touch=look.size[0] < 900,
            # A proxy's certificate here vouches for itself.
            ignore_https_errors=self.url.startswith("https:"),
        )
        self._contexts.push_async_callback(context.close)
        await self._watch.attach(context)
        page = await context.new_page()
        heard = self._heard[page] = asyncio.Event()

        def listen(socket: WebSocket) -> None:
            if "/api/v1/ws?" in socket.url:
                socket.on("framereceived", lambda _: heard.set())

        page.on("websocket", listen)
        return page

    async def _connected(self, page: Page) -> None:
        """Wait for the server's first frame: who leaves before has a console full of complaints."""
        async with asyncio.timeout(_CONNECT_S):
            await self._heard[page].wait()


async def setup_link(server: CodeLab) -> str:
    """Return the link that the server printed when it started without users."""
    for _ in range(500):
        if found := re.search(r"http\S+/setup\?token=\S+", server.log.read_text("utf-8")):
            return found[0]
        await asyncio.sleep(0.02)
    raise AssertionError("the server printed no setup link")


async def set_up(server: CodeLab, http: aiohttp.ClientSession, name: str) -> None:
    """Make a fresh server's first administrator, beside the browser."""
    token = (await setup_link(server)).partition("token=")[2]
    body = {"token": token, "username": name, "password": PASSWORD}
    async with http.post(f"{server.url}/api/v1/auth/setup", json=body) as response:
        assert response.status == 201, await response.text()


async def new_user(ide: Ide, administrator: User, name: str, role: str = "user") -> User:
    """Add somebody to the server's users, in an administrator's name."""
    account = {"username": name, "password": PASSWORD, "role": role}
    await administrator.client.call("POST", "admin/users", account)
    return await ide.signed_in(name)


@asynccontextmanager
async def ide_of(
    server: CodeLab, browser: Browser, model: ModelServer, key: str, project: Path, door: str = ""
) -> AsyncIterator[Ide]:
    """Lend the interface of a running server, without a user."""
    async with one_by_one() as http:
        ide = Ide(server, browser, model, key, project, http, door)
        try:
            yield ide
        finally:
            await ide.close()
            await model.script(key, [])
