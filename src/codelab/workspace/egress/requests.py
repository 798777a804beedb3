"""What a program in the box asks its proxy for; pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from codelab.kit.addresses import host_of, is_name, literal, place_of

_LINE = re.compile(r"([A-Z]{1,20}) ([!-~]+) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*)")
_HTTP = 80
# Between two ends of one connection only, or written anew.
_LEFT_OUT = frozenset(
    {
        *("connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "upgrade"),
    }
)


class RequestMalformed(ValueError):
    """This is no request that a proxy can serve; the text says why."""


class Request(msgspec.Struct, frozen=True):
    """Where to connect.

    Args:
        host: The host as names are compared.
        port: The port.
        head: What to send there first; none for a tunnel.
    """

    host: str
    port: int
    head: bytes | None = None


def read_request(head: bytes) -> Request:
    """Read a request's head, up to the empty line.

    Raises:
        RequestMalformed: It is neither CONNECT nor a request with a whole http address.
    """
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    line = _LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(text) for text in lines]
    if line is None or not all(headers):
        raise RequestMalformed("This is not a request of HTTP/1.1.")
    method, target = line.groups()
    if method == "CONNECT":
        return _tunnel(target)
    fields = [(found[1], found[2]) for found in headers if found]
    return _forwarded(method, target, fields)


def _tunnel(target: str) -> Request:
    place = place_of(target.lower())
    if place is None or place[1] is None:
        raise RequestMalformed("CONNECT takes host:port.")
    return Request(place[0], place[1])


def _forwarded(method: str, target: str, fields: list[tuple[str, str]]) -> Request:
    try:
        parts = urlsplit(target)
        port = parts.port or _HTTP
    except ValueError:
        raise RequestMalformed("The address is not a URL.") from None
    host = host_of(parts)
    if parts.scheme != "http" or not (is_name(host) or literal(host)):
        raise RequestMalformed(
            "This is a proxy: it takes CONNECT for https, and whole addresses for http."
        )
    if "@" in parts.netloc:
        raise RequestMalformed("The address must not hold a user name or a password.")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    named = ",".join(value for name, value in fields if name.lower() == "connection")
    left_out = _LEFT_OUT | {name.strip().lower() for name in named.split(",")}
    kept = [f"{name}: {value}" for name, value in fields if name.lower() not in left_out]
    # One request for each connection: a second one might name another host.
    head = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", *kept, "Connection: close"]
    return Request(host, port, "\r\n".join([*head, "", ""]).encode("latin-1"))
