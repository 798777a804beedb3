"""What a program may ask its proxy for, and how it goes on from there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.workspace.egress.requests import Request, RequestMalformed, read_request


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("files.example.org:443", "files.example.org", 443),
        ("FILES.Example.org.:8443", "files.example.org", 8443),
        ("10.0.0.1:80", "10.0.0.1", 80),
        ("[::1]:443", "::1", 443),
    ],
)
def test_a_tunnel(target: str, host: str, port: int) -> None:
    text = head(f"CONNECT {target} HTTP/1.1", "Host: elsewhere.example.org", "X: y")
    assert read_request(text) == Request(host, port)


def test_a_request_goes_on_to_the_host_that_its_address_names() -> None:
    request = read_request(
        head(
            "POST http://Files.example.org:8080/a/b?c=d HTTP/1.1",
            "Host: inner.example.org",
            "Content-Length: 2",
            "Proxy-Authorization: Basic abc",
            "Proxy-Connection: keep-alive",
            "Connection: keep-alive, X-Between",
            "X-Between: 1",
            "X-Kept: 1",
        )
    )
    assert (request.host, request.port) == ("files.example.org", 8080)
    assert request.head == head(
        "POST /a/b?c=d HTTP/1.1",
        "Host: Files.example.org:8080",
        "Content-Length: 2",
        "X-Kept: 1",
        "Connection: close",
    )


def test_an_address_without_a_path() -> None:
    request = read_request(head("GET http://a.org HTTP/1.0"))
    assert (request.host, request.port) == ("a.org", 80)
    assert request.head == head("GET / HTTP/1.1", "Host: a.org", "Connection: close")


@pytest.mark.parametrize(
    "lines",
    [
        ("",),
        ("GET / HTTP/1.1", "Host: a.org"),
        ("GET https://a.org/ HTTP/1.1",),
        ("GET ftp://a.org/ HTTP/1.1",),
        ("GET http://user:secret@a.org/ HTTP/1.1",),
        ("GET http://a.org:99999/ HTTP/1.1",),
        ("GET http:///x HTTP/1.1",),
        ("GET http://2130706433/ HTTP/1.1",),
        ("GET http://[::1/ HTTP/1.1",),
        ("GET http://a.org/ HTTP/2",),
        ("GET http://a.org/\x00 HTTP/1.1",),
        ("GET  http://a.org/ HTTP/1.1",),
        ("get http://a.org/ HTTP/1.1",),
        ("CONNECT a.org HTTP/1.1",),
        ("CONNECT a.org:0 HTTP/1.1",),
        ("CONNECT http://a.org:443 HTTP/1.1",),
        ("CONNECT user@a.org:443 HTTP/1.1",),
        ("CONNECT 127.1:443 HTTP/1.1",),
        ("CONNECT a.org\x00:443 HTTP/1.1",),
        ("CONNECT a.org:443 HTTP/1.1", "no header"),
        ("GET http://a.org/ HTTP/1.1", "X: a", " folded"),
        ("GET http://a.org/ HTTP/1.1", "X: a\nHost: b.org"),
        ("GET http://a.org/ HTTP/1.1", "X : a"),
    ],
)
def test_what_is_no_request(lines: tuple[str, ...]) -> None:
    with pytest.raises(RequestMalformed):
        read_request(head(*lines))


@given(st.binary(max_size=200))
def test_bytes_are_a_request_or_they_are_not(data: bytes) -> None:
    for start in (b"", b"CONNECT ", b"GET http://"):
        try:
            request = read_request(start + data + b"\r\n\r\n")
        except RequestMalformed:
            continue
        assert request.host
        assert 0 < request.port < 65536
        assert request.head is None or request.head.endswith(b"\r\nConnection: close\r\n\r\n")


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_line_of_a_request_becomes_two(value: str) -> None:
    try:
        request = read_request(head("GET http://a.org/ HTTP/1.1", f"X: {value}"))
    except RequestMalformed:
        return
    lines = (request.head or b"").split(b"\r\n")
    assert len(lines) == 6 or "\r\n" in value
    assert not any(b"\n" in line or b"\r" in line for line in lines)
