"""The proxy over real sockets; the names and the machine's own addresses are the test's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog

from codelab.workspace.egress.destinations import Network, parse_destinations
from codelab.workspace.egress.proxy import Bounds, Outside, Proxy

SETTING = "CODELAB_SANDBOX_NETWORK"
PUBLIC = "93.184.215.14"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names:
    """A resolver that gives the next of its answers each time, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


BOUNDS = Bounds()
LOOPBACK = Names(["127.0.0.1"])


def nothing_is_own(address: str) -> bool:
    return False


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """A peer on loopback; yields its port."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def proxying(
    *named: str,
    bounds: Bounds = BOUNDS,
    outside: Outside | None = None,
    send_buffer: int = 0,
) -> AsyncIterator[int]:
    network = Network(parse_destinations(named, SETTING), SETTING)
    proxy = Proxy(network, bounds, outside or Outside(LOOPBACK, nothing_is_own))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=bounds.head_bytes)
    if send_buffer:
        # Connections have what the socket had that took them.
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def exchange(port: int, request: bytes) -> bytes:
    """Send something and take what comes until the end."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()


async def status_of(port: int, request: bytes) -> int:
    """Send something and take no more than the first line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def connect(place: str) -> bytes:
    return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + head)


async def test_a_tunnel_carries_both_ways_until_both_have_ended() -> None:
    async with serving(echo) as peer, proxying(f"files.example.org:{peer}") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.write(connect(f"files.example.org:{peer}"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        sent = bytes(range(256)) * 4000
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        writer.write(b"last")
        writer.write_eof()
        assert await reader.read() == b"last"
        writer.close()


async def test_what_was_sent_before_the_end_arrives_however_slowly_it_is_read() -> None:
    """The program has said all that it will say, and the peer has gone long before it reads."""
    sent = bytes(60_000)
    gone = asyncio.Event()

    async def brief(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(sent)
        await writer.drain()
        gone.set()

    async with serving(brief) as peer, proxying(f"a.org:{peer}", send_buffer=4096) as proxy:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", proxy))
            await loop.sock_sendall(client, connect(f"a.org:{peer}"))
            client.shutdown(socket.SHUT_WR)
            await gone.wait()
            await asyncio.sleep(0.1)
            got = b""
            async with asyncio.timeout(5):
                while data := await loop.sock_recv(client, 65536):
                    got += data
    assert got.endswith(sent)


async def test_a_plain_request_goes_on_with_what_belongs_to_it() -> None:
    async with serving(page) as peer, proxying(f"files.example.org:{peer}") as proxy:
        answer = await exchange(
            proxy,
            f"GET http://files.example.org:{peer}/a?b HTTP/1.1\r\nHost: inner\r\n"
            "Proxy-Authorization: Basic abc\r\nX: 1\r\n\r\n".encode(),
        )
    head, _, seen = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert seen == (
        f"GET /a?b HTTP/1.1\r\nHost: files.example.org:{peer}\r\nX: 1\r\n"
        "Connection: close\r\n\r\n".encode()
    )


@pytest.mark.parametrize(
    "place", ["other.example.org:443", "files.example.org:22", "127.0.0.1:443", "[::1]:443"]
)
async def test_what_is_not_named_is_told_and_logged_without_paths(place: str) -> None:
    names = Names([PUBLIC])
    async with proxying("files.example.org", outside=Outside(names)) as proxy:
        with structlog.testing.capture_logs() as logs:
            tunnel = await exchange(proxy, connect(place))
            plain = await exchange(
                proxy, f"GET http://{place}/secret-path?key=secret HTTP/1.1\r\n\r\n".encode()
            )
    sentence = f"{place} is not among the destinations that {SETTING} names."
    for answer in (tunnel, plain):
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert answer.endswith(f"\r\n\r\n{sentence}\n".encode())
    # Once, however often it is asked for.
    assert [(log["event"], log["destination"]) for log in logs] == [("egress_refused", place)]
    assert "secret" not in str(logs)
    assert names.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "::1", "fd00::1"],
)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    for found in ([address], [PUBLIC, address]):
        outside = Outside(Names(found), nothing_is_own)
        async with proxying("files.example.org", outside=outside) as proxy:
            answer = await exchange(proxy, connect("files.example.org:443"))
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"inner network" in answer
        assert address.encode() not in answer


async def test_a_name_that_leads_to_this_machine_is_refused() -> None:
    outside = Outside(Names([PUBLIC]), lambda address: address == PUBLIC)
    async with proxying("files.example.org", outside=outside) as proxy:
        answer = await exchange(proxy, connect("files.example.org:443"))
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_name_that_changes_its_address_gets_no_second_chance() -> None:
    """First it is public, and by the time of the connection it leads inside."""
    came: list[bytes] = []

    async def inner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(1))

    async with serving(inner) as peer:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        # The very first answer counts; a second look would be refused, or lead elsewhere.
        async with proxying(f"a.org:{peer}", outside=Outside(names, nothing_is_own)) as proxy:
            answer = await exchange(proxy, connect(f"a.org:{peer}") + b"x")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert names.asked == ["a.org"]
        again = Names(["10.0.0.1"], ["127.0.0.1"])
        async with proxying(f"*.org:{peer}", outside=Outside(again, nothing_is_own)) as proxy:
            answer = await exchange(proxy, connect(f"a.org:{peer}"))
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert again.asked == ["a.org"]
    assert came == [b"x"]


async def test_a_planted_redirect_is_the_programs_own_next_request() -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n")

    async with serving(redirect) as peer, proxying(f"a.org:{peer}") as proxy:
        first = await exchange(proxy, f"GET http://a.org:{peer}/ HTTP/1.1\r\n\r\n".encode())
        assert first.startswith(b"HTTP/1.1 302 ")
        next_one = await exchange(proxy, b"GET http://169.254.169.254/ HTTP/1.1\r\n\r\n")
        assert next_one.startswith(b"HTTP/1.1 403 ")


async def test_a_second_request_on_a_connection_reaches_no_second_host() -> None:
    came: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        came.append(await reader.read(65536))

    request = "GET http://{}/ HTTP/1.1\r\n\r\n"
    async with serving(keep) as peer, proxying(f"a.org:{peer}") as proxy:
        text = request.format(f"a.org:{peer}") + request.format("10.0.0.1")
        answer = await exchange(proxy, text.encode())
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"10.0.0.1" in came[1]


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"])
async def test_what_is_no_request_is_told(request_: bytes) -> None:
    async with proxying() as proxy:
        assert (await exchange(proxy, request_)).startswith(b"HTTP/1.1 400 ")


async def test_a_head_is_bounded() -> None:
    async with proxying(bounds=Bounds(head_bytes=1000)) as proxy:
        long = b"CONNECT a.org:443 HTTP/1.1\r\nX: " + b"x" * 5000
        assert (await exchange(proxy, long)).startswith(b"HTTP/1.1 400 ")
        assert (await exchange(proxy, long + b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for() -> None:
    async with proxying(bounds=Bounds(head_s=0.3)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)

        async def drip() -> None:
            for byte in connect("a.org:443"):
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(3):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        dripping.cancel()
        writer.close()


async def test_a_peer_that_says_nothing_is_not_waited_for() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    bounds = Bounds(idle_s=0.3)
    async with serving(silent) as peer, proxying(f"a.org:{peer}", bounds=bounds) as proxy:
        answer = await exchange(proxy, connect(f"a.org:{peer}"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\n")


async def test_a_long_answer_is_not_idle() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(8):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.1)

    bounds = Bounds(idle_s=0.4)
    async with serving(slow) as peer, proxying(f"a.org:{peer}", bounds=bounds) as proxy:
        answer = await exchange(proxy, connect(f"a.org:{peer}"))
        assert answer.endswith(b"\r\n\r\n........")


async def test_a_name_that_is_never_answered_is_not_waited_for() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    outside = Outside(never, nothing_is_own)
    async with proxying("a.org", bounds=Bounds(connect_s=0.2), outside=outside) as proxy:
        answer = await exchange(proxy, connect("a.org:443"))
        assert answer.startswith(b"HTTP/1.1 504 ")


async def test_a_peer_that_is_not_there_is_told() -> None:
    async with serving(echo) as peer:
        pass
    async with proxying(f"a.org:{peer}") as proxy:
        answer = await exchange(proxy, connect(f"a.org:{peer}"))
        assert answer.startswith(b"HTTP/1.1 502 ")


async def test_connections_are_bounded() -> None:
    bounds = Bounds(connections=2)
    async with serving(echo) as peer, proxying(f"a.org:{peer}", bounds=bounds) as proxy:
        place = f"a.org:{peer}"
        held = [await asyncio.open_connection("127.0.0.1", proxy) for _ in range(2)]
        for reader, writer in held:
            writer.write(connect(place))
            await reader.readuntil(b"\r\n\r\n")
        assert await status_of(proxy, connect(place)) == 503
        held[0][1].close()
        async with asyncio.timeout(5):
            while await status_of(proxy, connect(place)) != 200:
                pass
        held[1][1].close()


async def test_bytes_are_bounded_and_said() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    bounds = Bounds(megabytes=1)
    with structlog.testing.capture_logs() as logs:
        await _moves_one_megabyte(endless, bounds)
    assert [log["destination"] for log in logs][:1] == ["any"]


async def _moves_one_megabyte(endless: Serve, bounds: Bounds) -> None:
    async with serving(endless) as peer, proxying(f"a.org:{peer}", bounds=bounds) as proxy:
        first = await exchange(proxy, connect(f"a.org:{peer}"))
        assert 500_000 < len(first) <= 1_000_100
        second = await exchange(proxy, connect(f"a.org:{peer}"))
        assert second.startswith(b"HTTP/1.1 403 ")
        assert b"1 MB were moved" in second
