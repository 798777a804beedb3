"""The built interface as it lies on disk: one page, made anew for every answer, and its assets."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

import msgspec

BUILT: Final = Path(__file__).parent / "static"

MISSING: Final = (
    "CodeLab's browser interface is not built here: start the server with `python3 dev.py serve` "
    "where the npm registry can be reached, or install CodeLab's wheel, which brings it along.\n"
)

# Stands in the built page wherever a nonce belongs; web/vite.config.ts puts it there.
_PLACEHOLDER = "CODELAB_CSP_NONCE"
# One segment with one of these endings: neither a hidden file nor another folder can be named, nor
# anything too long for a disk.
_NAME = re.compile(r"[\w-][\w.-]{0,199}", re.ASCII)
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_COMPRESSED = frozenset({".css", ".js", ".svg"})

_SHARED = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = {
    **_SHARED,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
    # The address may hold a setup token.
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_FOREVER = "public, max-age=31536000, immutable"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to a browser."""

    body: bytes
    media_type: str
    headers: dict[str, str]


def policy(nonce: str) -> str:
    """Write the page's content security policy.

    Args:
        nonce: What style elements made by scripts carry; the editor and the terminal make some.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "font-src 'self'",
            # data: the editor's own marks; blob: a workspace's pictures, read with a token.
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Interface:
    """The interface in a folder, looked at anew every time: it may be built while we run.

    Args:
        folder: What Vite wrote: index.html and a folder `assets` of files with hashed names.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        self._page = folder / "index.html"
        self._assets = folder / "assets"

    def page(self) -> Answer | None:
        """Make the page with a nonce of its own; nothing where the interface is not built."""
        try:
            text = self._page.read_text("utf-8")
        except FileNotFoundError:
            return None
        nonce = secrets.token_urlsafe(16)
        return Answer(
            body=text.replace(_PLACEHOLDER, nonce).encode(),
            media_type="text/html",
            headers={**_PAGE, "Content-Security-Policy": policy(nonce)},
        )

    def asset(self, name: str, *, accepts: str) -> Answer | None:
        """Read one asset, compressed where that is wanted; nothing where there is none.

        Args:
            name: The file's name.
            accepts: The request's `Accept-Encoding`.
        """
        file = self._assets / name
        if not _NAME.fullmatch(name) or file.suffix not in _TYPES:
            return None
        headers = {**_SHARED, "Cache-Control": _FOREVER}
        # The name holds a hash of the content.
        tag = name
        if file.suffix in _COMPRESSED:
            headers["Vary"] = "Accept-Encoding"
            if takes_gzip(accepts):
                headers["Content-Encoding"] = "gzip"
                file, tag = file.with_name(f"{name}.gz"), f"{name}.gz"
        try:
            body = file.read_bytes()
        except FileNotFoundError:
            return None
        headers["ETag"] = f'"{tag}"'
        return Answer(body=body, media_type=_TYPES[Path(name).suffix], headers=headers)


def takes_gzip(accepts: str) -> bool:
    """Tell whether a request's `Accept-Encoding` allows gzip."""
    for entry in accepts.lower().split(","):
        coding, _, weight = entry.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
