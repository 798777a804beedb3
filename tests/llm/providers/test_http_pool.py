"""Our own HTTP client against raw sockets: every way in which an answer may be framed and end."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from codelab.llm.providers.http_pool import HttpPool, Target, format_request, parse_target

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TARGET_HEADERS = {"X-Test": "1"}


class Answer:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.failed = False

    def headers_received(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers

    def body_received(self, data: bytes) -> None:
        self.body += data
        self.began.set()

    def body_finished(self) -> None:
        self.ended.set()

    def connection_failed(self, error: Exception | None) -> None:
        self.failed = True
        self.ended.set()


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    finally:
        server.close()


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    made = HttpPool()
    yield made
    await made.close()
    await asyncio.sleep(0.01)


def target_of(url: str) -> Target:
    target = parse_target(url)
    assert target is not None
    return target


async def fetch(pool: HttpPool, url: str) -> Answer:
    target, answer = target_of(url), Answer()
    await pool.send(target, format_request("POST", target, TARGET_HEADERS, b"{}"), answer)
    await asyncio.wait_for(answer.ended.wait(), 3)
    return answer


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


@pytest.mark.parametrize(
    ("raw", "body", "failed"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\na\r\n2;x=1\r\nbc\r\n0\r\n\r\n",
            b"abc",
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", b"abc", False),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
            b"abc",
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"abc", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"abc", True),
        (b"this is not HTTP at all\r\n\r\n", b"", True),
        (b"", b"", True),
    ],
    ids=["length", "chunked", "close", "interim", "short", "no last chunk", "nonsense", "nothing"],
)
@pytest.mark.parametrize("slow", [False, True], ids=["at once", "byte by byte"])
async def test_every_framing_is_understood(
    pool: HttpPool, raw: bytes, body: bytes, failed: bool, slow: bool
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in [raw[i : i + 1] for i in range(len(raw))] if slow else [raw]:
            writer.write(piece)
            await writer.drain()
            if slow:
                await asyncio.sleep(0)

    async with serving(serve) as url:
        answer = await fetch(pool, url)
    assert (answer.body, answer.failed) == (body, failed)


@pytest.mark.parametrize(
    ("opening", "filler"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"a=b;"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["header", "headers", "chunk", "trailer", "trailers"],
)
async def test_what_stands_around_a_body_has_an_end(
    pool: HttpPool, opening: bytes, filler: bytes
) -> None:
    piece = filler * (60_000 // len(filler))
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(opening)
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
            writer.write(b"\r\n\r\n")

    async with serving(serve) as url:
        answer = await fetch(pool, url)
    assert answer.failed
    assert sent < 500 * len(piece)


class SlowAnswer(Answer):
    """Takes its time with each piece, as the reader of many small events does."""

    spent_s = 0.0

    def body_received(self, data: bytes) -> None:
        began = time.monotonic()
        time.sleep(0.005)
        self.spent_s += time.monotonic() - began


async def test_who_sends_faster_than_we_read_leaves_room_for_others(pool: HttpPool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(40):
            writer.write(b"x" * 64 * 1024)
            await writer.drain()

    began = time.monotonic()
    async with serving(serve) as url:
        target, answer = target_of(url), SlowAnswer()
        await pool.send(target, format_request("POST", target, TARGET_HEADERS, b"{}"), answer)
        await asyncio.wait_for(answer.ended.wait(), 10)
    assert not answer.failed
    assert time.monotonic() - began > 2.5 * answer.spent_s > 0


async def test_a_connection_is_used_again_and_a_dead_one_is_not(pool: HttpPool) -> None:
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(0)
        for _ in range(2):
            assert b"X-Test: 1\r\n" in await read_request(reader)
            seen[-1] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
            await writer.drain()

    async with serving(serve) as url:
        for _ in range(2):
            assert (await fetch(pool, url)).body == b"a"
        # The server hangs up after two.
        await asyncio.sleep(0.05)
        assert (await fetch(pool, url)).body == b"a"
    assert seen == [2, 1]


async def test_requests_at_the_same_time_have_connections_of_their_own(pool: HttpPool) -> None:
    all_here = asyncio.Barrier(3)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await all_here.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        await writer.drain()

    async with serving(serve) as url:
        answers = await asyncio.gather(*(fetch(pool, url) for _ in range(3)))
    assert [answer.body for answer in answers] == [b"a"] * 3


async def test_an_answer_nobody_waits_for_ends_by_itself(pool: HttpPool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"def")
        await writer.drain()
        await reader.read(1)

    async with serving(serve) as url:
        target, answer = target_of(url), Answer()
        sent = format_request("POST", target, {}, b"{}")
        connection = await pool.send(target, sent, answer)
        await asyncio.wait_for(answer.began.wait(), 3)
        connection.leave()
        await asyncio.sleep(0.2)
        assert answer.body == b"abc"
        assert connection.is_open
        connection.abort()


async def test_tls_is_checked(
    pool: HttpPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"1\r\n\xd0\r\n", b"1\r\n\xb6\r\n", b"0\r\n\r\n"):
            writer.write(piece)
            await writer.drain()

    certificate, context = self_signed(tmp_path)
    async with serving(serve, context) as url:
        with pytest.raises(ssl.SSLCertVerificationError):
            await fetch(HttpPool(), url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        answer = await fetch(pool, url)
        assert answer.body.decode() == "ж"
        await pool.close()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "http://user:word@host/v1", "host/v1", "http:///v1", ""]
)
def test_what_this_client_does_not_serve(url: str) -> None:
    assert parse_target(url) is None


def test_what_goes_through_a_proxy_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert parse_target("https://api.example/v1") is None
    assert parse_target("https://inside.example/v1") is not None


def test_a_target_keeps_path_query_and_port() -> None:
    target = target_of("https://host:8443/a/b?c=d")
    assert (target.address.host, target.address.port, target.address.tls) == ("host", 8443, True)
    assert target.path == "/a/b?c=d"
    assert target.host_header == "host:8443"
    assert target_of("http://[::1]/x").address.host == "::1"


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return pem, context
