"""The interface's page and assets over HTTP, from a folder as Vite leaves it."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar

from codelab.gateway.problems import MEDIA_TYPE, exception_handlers
from codelab.web.interface import Interface, takes_gzip
from codelab.web.routes import interface_routes
from tests.support.http import Client, client_of

PAGE = '<meta property="csp-nonce" nonce="CODELAB_CSP_NONCE"><script nonce="CODELAB_CSP_NONCE">'
SCRIPT = b"console.log('here')"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the build leaves it, with a secret beside it and one inside it."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE, "utf-8")
    (folder / "assets" / "main-B1.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-B1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "inter-C2.woff2").write_bytes(b"wOF2")
    (folder / "assets" / ".hidden.js").write_bytes(b"secret")
    (folder / "manifest.js").write_bytes(b"secret")
    (tmp_path / "server.js").write_bytes(b"secret")
    return folder


@pytest.fixture
async def client(built: Path) -> AsyncIterator[Client]:
    app = Litestar(
        [*interface_routes(Interface(built))],
        exception_handlers=exception_handlers(),
        openapi_config=None,
    )
    async with client_of(app) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


async def test_each_page_has_a_nonce_of_its_own_and_a_strict_policy(client: Client) -> None:
    nonces = set()
    for path in ("/", "/settings", "/settings/keys", "/admin/audit/today", "/w/7/s/8"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy)
        assert answer.text == PAGE.replace("CODELAB_CSP_NONCE", nonce)
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
        assert "unsafe" not in policy and "*" not in policy and "http" not in policy
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        nonces.add(nonce)
    assert len(nonces) == 5
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "microphone=()" in answer.headers["permissions-policy"]


async def test_assets_stay_with_the_browser(client: Client) -> None:
    path = "/assets/main-B1.js"
    plain = await client.get(path)
    assert (plain.status_code, plain.content) == (200, SCRIPT)
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in plain.headers["cache-control"]
    assert (plain.headers["vary"], plain.headers.get("content-encoding")) == (
        "Accept-Encoding",
        None,
    )
    packed = await client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert (packed.content, packed.headers["content-encoding"]) == (SCRIPT, "gzip")
    assert packed.headers["etag"] != plain.headers["etag"]
    known = await client.get(path, headers={"If-None-Match": f'"other", {plain.headers["etag"]}'})
    assert (known.status_code, known.content) == (304, b"")
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    head = await client.head(path)
    assert (head.status_code, head.headers["etag"]) == (200, plain.headers["etag"])
    font = await client.get("/assets/inter-C2.woff2", headers={"Accept-Encoding": "gzip"})
    assert (font.content, font.headers["content-type"]) == (b"wOF2", "font/woff2")
    assert "vary" not in font.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/main-B2.js",
        "/assets/main-B1.js.gz",
        "/assets/.hidden.js",
        "/assets/..%2fmanifest.js",
        "/assets/..%2f..%2fserver.js",
        "/assets/%2e%2e/manifest.js",
        "/assets/..%5cmanifest.js",
        "/assets/main-B1.js%00.svg",
        f"/assets/{'a' * 300}.js",
        "/assets/",
        "/assets",
        "/index.html",
        "/elsewhere",
        "/api/v1/nothing",
        "/v1/nothing",
        "/docs/nothing",
        "/schema/nothing",
        "/health/nothing",
        "/metrics/nothing",
    ],
)
async def test_everything_else_stays_a_problem(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["code"] == "not_found"


async def test_nothing_is_taken_in(client: Client) -> None:
    assert (await client.post("/")).status_code == 405
    assert (await client.put("/assets/main-B1.js")).status_code == 405


async def test_where_it_is_not_built_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    async with client_of(Litestar([*interface_routes(Interface(folder))])) as client:
        answer = await client.get("/")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.count(".\n") == 1 and "python3 dev.py serve" in answer.text
        # Built while the server runs, it is there at the next look.
        folder.mkdir()
        (folder / "index.html").write_text(PAGE, "utf-8")
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("accepts", "takes"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("br, gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("x-gzipped", False),
    ],
)
def test_gzip_is_sent_only_to_who_takes_it(accepts: str, takes: bool) -> None:
    assert takes_gzip(accepts) is takes
