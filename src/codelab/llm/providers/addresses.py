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

from codelab.kit.addresses import (
    IPAddress,
    IPNetwork,
    host_of,
    is_name,
    is_number,
    is_public,
    literal,
    place_of,
    unwrapped,
)
from codelab.kit.errors import InvalidInput

_SETTING = "CODELAB_MODEL_ADDRESSES"
_INNER_NAMES = ("localhost", "internal", "local", "localdomain", "home.arpa", "intranet", "lan")
_PLAIN = re.compile(r"[!-~]+")


class Allowance(msgspec.Struct, frozen=True):
    """An exception of the machine's administrator: a name or a network, and perhaps a port."""

    name: str = ""
    network: IPNetwork | None = None
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
        found = literal(address.partition("%")[0])
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
        address = literal(host)
        at = port or (443 if parts.scheme == "https" else 80)
        if self._excepts(host, at, address):
            return None
        if address is not None:
            return None if is_public(address) else f"{host} is not a public address"
        return _problem_of_name(host)

    def _excepts(self, host: str, port: int, address: IPAddress | None) -> bool:
        plain = None if address is None else unwrapped(address)
        return any(one.covers(host, port, plain) for one in self.exceptions)


NOTHING = Allowed()
"""No exceptions: the public network only."""


def parse_allowed(texts: Iterable[str]) -> Allowed:
    """Read the exceptions: a host, `host:port`, an address or a network each.

    Raises:
        InvalidInput: One is none of these.
    """
    return Allowed(tuple(_allowance(text.strip().lower()) for text in texts if text.strip()))


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
    if literal(host) is None and is_number(host):
        return "its address must be written in the usual form"
    if literal(host) is None and not is_name(host):
        return "it names no host"
    return None


def _problem_of_name(host: str) -> str | None:
    inner = any(host == name or host.endswith(f".{name}") for name in _INNER_NAMES)
    return f"{host} is a name of an inner network" if inner or "." not in host else None


def _allowance(text: str) -> Allowance:
    try:
        return Allowance(network=ipaddress.ip_network(text.strip("[]"), strict=False))
    except ValueError:
        pass
    place = place_of(text)
    if place is None:
        raise InvalidInput(
            f"{_SETTING}: {text!r} is neither a host, nor host:port, nor an address or a network.",
            field=_SETTING,
        )
    host, port = place
    address = literal(host)
    if address is None:
        return Allowance(name=host, port=port)
    return Allowance(network=ipaddress.ip_network(address), port=port)
