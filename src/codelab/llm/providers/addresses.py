"""Which addresses a model may have that was added while the server runs.

Whoever adds a model makes this server send requests, so such a model must not reach what only
this machine reaches. What is public, and what the machine's administrator has listed, may be asked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import msgspec

from codelab.kit.errors import InvalidInput

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SETTING = "CODELAB_MODEL_ADDRESSES"
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
# Everything else in IPv6 is not, or not yet, anybody's public address.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Protocols' own (Teredo among them), 6to4, and what stands in books.
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INNER_NAMES = ("localhost", "internal", "local", "localdomain", "home.arpa", "intranet", "lan")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PLAIN = re.compile(r"[!-~]+")


class Allowance(msgspec.Struct, frozen=True):
    """An exception of the machine's administrator: a name or a network, and perhaps a port."""

    name: str = ""
    network: _Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int, address: IPAddress | None) -> bool:
        """Tell whether a connection to this address of this host is an exception."""
        if self.port not in (None, port):
            return False
        if self.network is None:
            return host == self.name
        return address is not None and address in self.network


class Allowed(msgspec.Struct, frozen=True):
    """All exceptions."""

    exceptions: tuple[Allowance, ...] = ()

    def permits(self, host: str, port: int, address: str) -> bool:
        """Tell whether to connect to an address that a host's name has turned out to have."""
        found = _literal(address.partition("%")[0])
        if found is None:
            return False
        return is_public(found) or self._excepts(host, port, found)

    def problem(self, url: str) -> str | None:
        """Say what is wrong with a URL, as far as it can be told without looking names up."""
        if not _PLAIN.fullmatch(url) or "\\" in url:
            return "it holds characters that no URL has"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "it is not a URL"
        if wrong := _form(parts, port):
            return wrong
        host = host_of(parts)
        address = _literal(host)
        at = port or (443 if parts.scheme == "https" else 80)
        if self._excepts(host, at, address):
            return None
        if address is not None:
            return None if is_public(address) else f"{host} is not a public address"
        return _problem_of_name(host)

    def _excepts(self, host: str, port: int, address: IPAddress | None) -> bool:
        plain = None if address is None else _plain(address)
        return any(one.covers(host, port, plain) for one in self.exceptions)


NOTHING = Allowed()
"""No exceptions: the public network only."""


def parse_allowed(texts: Iterable[str]) -> Allowed:
    """Read the exceptions: a host, `host:port`, an address or a network each.

    Raises:
        InvalidInput: One is none of these.
    """
    return Allowed(tuple(_allowance(text.strip().lower()) for text in texts if text.strip()))


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is somebody's in the public network, whatever it is wrapped in."""
    address = _plain(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address not in _PUBLIC_6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)


def host_of(parts: SplitResult) -> str:
    """Return a URL's host as names are compared: in lower case, without the root's dot."""
    return (parts.hostname or "").rstrip(".")


def _plain(address: IPAddress) -> IPAddress:
    """Take an IPv4 address out of the IPv6 address that stands for it."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _form(parts: SplitResult, port: int | None) -> str | None:
    host = host_of(parts)
    if parts.scheme not in ("http", "https"):
        return "it must begin with https:// or http://"
    if "@" in parts.netloc:
        return "it must not hold a user name or a password"
    if parts.query or parts.fragment:
        return "it must end with its path"
    if port == 0:
        return "there is no port 0"
    if _literal(host) is None and not _NAME.fullmatch(host):
        return "it names no host"
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and _literal(host) is None:
        return "its address must be written in the usual form"
    return None


def _problem_of_name(host: str) -> str | None:
    inner = any(host == name or host.endswith(f".{name}") for name in _INNER_NAMES)
    return f"{host} is a name of an inner network" if inner or "." not in host else None


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _allowance(text: str) -> Allowance:
    try:
        return Allowance(network=ipaddress.ip_network(text.strip("[]"), strict=False))
    except ValueError:
        pass
    parts = urlsplit(f"//{text}") if text.isascii() and "[" not in text[1:] else urlsplit("")
    try:
        host, port = host_of(parts), parts.port
    except ValueError:
        host, port = "", None
    address = _literal(host) if parts.netloc == text else None
    if address is not None:
        return Allowance(network=ipaddress.ip_network(address), port=port)
    if _NAME.fullmatch(host) and parts.netloc == text and "@" not in text:
        return Allowance(name=host, port=port)
    raise InvalidInput(
        f"{_SETTING}: {text!r} is neither a host, nor host:port, nor an address or a network.",
        field=_SETTING,
    )
