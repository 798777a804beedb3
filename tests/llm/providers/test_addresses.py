"""Where a model may be that was added at run time."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from hypothesis import given

from codelab.kit.errors import InvalidInput
from codelab.llm.errors import ModelAddressRefused
from codelab.llm.providers.addresses import NOTHING, parse_allowed
from codelab.llm.providers.http_pool import HttpPool, format_request, parse_target
from tests.llm.providers.test_http_pool import Answer, serving
from tests.support.inner import INNER_4, INNER_6, embedded, inner


@given(inner(INNER_4))
def test_no_inner_address_is_let_through_however_it_is_wrapped(number: int) -> None:
    for text in embedded(number):
        assert not NOTHING.permits("models.example.com", 443, text)
        host = f"[{text}]" if ":" in text else text
        assert NOTHING.problem(f"https://{host}/v1")


@given(inner(INNER_4))
def test_no_number_in_another_form_is_an_address(number: int) -> None:
    parts = ipaddress.IPv4Address(number).packed
    forms = [
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(f"0{part:o}" for part in parts),
        ".".join(hex(part) for part in parts),
        f"{hex(parts[0])}.{number & 0xFF_FFFF}",
    ]
    for host in forms:
        assert NOTHING.problem(f"http://{host}/")


@given(inner(INNER_6))
def test_inner_addresses_of_ipv6_are_refused(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    assert NOTHING.problem(f"http://[{address}]:8080/v1")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://93.184.215.14:8080/v1",
        "https://[2606:4700::1111]/v1",
        "https://[64:ff9b::5db8:d70e]/v1",
        "https://MODELS.Example.com./v1",
        "https://xn--bcher-kva.example/v1",
    ],
)
def test_public_addresses_are_let_through(url: str) -> None:
    assert NOTHING.problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/v1",
        "http://LOCALHOST./v1",
        "http://api.localhost/v1",
        "http://gateway/v1",
        "http://metadata.google.internal/v1",
        "http://printer.local/v1",
        "http://169.254.169.254/latest",
        "http://[fd00:ec2::254]/latest",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://1.2.3.4.5/",
        "http://93.184.215.014/",
        "https://user:secret@models.example.com/v1",
        "https://@models.example.com/v1",
        "https://models.example.com/v1#part",
        "https://models.example.com/v1?key=1",
        "https://models.example.com:0/v1",
        "https://models.example.com:99999/v1",
        "https://models.example.com:http/v1",
        "https://models.example.com\\@127.0.0.1/v1",
        "https://models.example.com/v1\r\nHost: inner",
        "https://mod els.example.com/v1",
        "https://modèls.example.com/v1",
        "https://127%2e0.0.1/v1",
        "https://[::1/v1",
        "https:///v1",
        "ftp://models.example.com/v1",
        "file:///etc/passwd",
        "models.example.com/v1",
        "",
    ],
)
def test_others_are_refused(url: str) -> None:
    assert NOTHING.problem(url)


def test_the_machines_administrator_may_list_exceptions() -> None:
    allowed = parse_allowed(
        ["gateway", "127.0.0.1:8080", "10.1.0.0/16", "[fd00::1]:8443", "models.lan:11434", "::1"]
    )
    for url in (
        "http://gateway/v1",
        "http://GATEWAY:99/v1",
        "http://127.0.0.1:8080/v1",
        "http://[::ffff:127.0.0.1]:8080/v1",
        "http://10.1.2.3/v1",
        "http://[fd00::1]:8443/v1",
        "http://models.lan:11434",
        "http://[::1]/",
    ):
        assert allowed.problem(url) is None
    for url in (
        "http://127.0.0.1/v1",
        "http://127.0.0.1:8081/v1",
        "http://10.2.0.1/v1",
        "http://[fd00::1]/v1",
        "http://models.lan/v1",
        "ftp://gateway/v1",
    ):
        assert allowed.problem(url)
    # Who lists a name trusts it, wherever it leads; a network holds for every name.
    assert allowed.permits("gateway", 80, "192.168.1.1")
    assert allowed.permits("models.example.com", 443, "10.1.0.9")
    assert not allowed.permits("models.example.com", 443, "10.2.0.9")


@pytest.mark.parametrize("text", ["http://gateway", "a b", "10.0.0.0/99", "host:port", "x@y", "/"])
def test_an_exception_that_is_none_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match="CODELAB_MODEL_ADDRESSES"):
        parse_allowed([text])


async def ask(pool: HttpPool, url: str, *, guarded: bool) -> Answer:
    target, answer = parse_target(url, guarded=guarded), Answer()
    assert target is not None
    await pool.send(target, format_request("POST", target, {}, b"{}"), answer)
    await asyncio.wait_for(answer.ended.wait(), 3)
    return answer


async def test_the_address_is_checked_when_it_is_connected_to() -> None:
    """A name whose address has become an inner one since it was given."""
    came = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(2)
            came.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    pool = HttpPool()
    async with serving(serve) as url:
        for host in ("127.0.0.1", "localhost"):
            place = url.replace("127.0.0.1", host)
            # An open connection of a trusted entry is of no use to one that is not trusted.
            assert (await ask(pool, place, guarded=False)).body == b"ok"
            with pytest.raises(ModelAddressRefused, match="CODELAB_MODEL_ADDRESSES"):
                await ask(pool, place, guarded=True)
        assert len(came) == 2
        await pool.close()
        trusting = HttpPool(parse_allowed(["127.0.0.0/8", "::1"]))
        assert (await ask(trusting, url, guarded=True)).body == b"ok"
        await trusting.close()


async def test_redirects_are_not_followed() -> None:
    came = []

    async def inner_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(1))

    async with serving(inner_server) as secret:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            lines = ["HTTP/1.1 302 Found", f"Location: {secret}", "Content-Length: 0", "", ""]
            writer.write("\r\n".join(lines).encode())

        async with serving(serve) as url:
            pool = HttpPool(parse_allowed([url.removeprefix("http://").removesuffix("/v1")]))
            assert (await ask(pool, url, guarded=True)).status == 302
            await asyncio.sleep(0.1)
            await pool.close()
    assert came == []
