"""Debian's Chromium as the tests drive it, and what a page must never do while they look."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

MISSING = "chromium is not installed (as root: apt-get install chromium)"
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]

# A violation is a console error too, but not in every kind of frame and worker.
_REPORTING = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`Policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""
_OWN_SCHEMES = {"about", "blob", "data"}


def program() -> str | None:
    """Find Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Watch:
    """Collects what makes a test fail: console errors, broken policies, requests to other hosts.

    Args:
        origin: The server's address; every request must go there.
    """

    def __init__(self, origin: str) -> None:
        self._host = urlsplit(origin).netloc
        self._expected: list[str] = []
        self._found: list[str] = []

    async def attach(self, context: BrowserContext) -> None:
        """Watch all pages of a context, from their first script on."""
        await context.add_init_script(_REPORTING)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)
        context.on("page", self._on_page)

    def expect(self, *parts: str) -> None:
        """Let errors pass whose text has one of the parts: a refusal that the test provokes."""
        self._expected += parts

    def complaints(self) -> list[str]:
        """Return what went wrong and was not expected."""
        return [found for found in self._found if not any(part in found for part in self._expected)]

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_socket)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._found.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _on_error(self, error: WebError) -> None:
        self._found.append(f"uncaught: {error.error}")

    def _on_request(self, request: Request) -> None:
        self._check_host(request.url)

    def _on_socket(self, socket: WebSocket) -> None:
        self._check_host(socket.url)

    def _check_host(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme not in _OWN_SCHEMES and address.netloc != self._host:
            self._found.append(f"request to another host: {url}")
