"""What network addresses are and how places in the network are written; pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # A cloud's own services for the machines in it, at an address that looks public.
        "168.63.129.16/32",
    )
)
# Everything else in IPv6 is not, or not yet, anybody's public address.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Protocols' own (Teredo among them), 6to4, and what stands in books.
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is somebody's in the public network, whatever it is wrapped in."""
    address = unwrapped(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address not in _PUBLIC_6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)


def unwrapped(address: IPAddress) -> IPAddress:
    """Take an IPv4 address out of the IPv6 address that stands for it."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def literal(host: str) -> IPAddress | None:
    """Read an address in its usual form; none when it is a name, or a number in another form."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_name(host: str) -> bool:
    """Tell whether this is a host's name, in lower case and without the root's dot."""
    return len(host) <= _LONGEST_NAME and bool(_NAME.fullmatch(host)) and not is_number(host)


def is_number(host: str) -> bool:
    """Tell whether some programs would read an address into this, such as `127.1` or `0x7f.1`."""
    return bool(_NUMBER.fullmatch(host.rpartition(".")[2]))


def host_of(parts: SplitResult) -> str:
    """Return a URL's host as names are compared: in lower case, without the root's dot."""
    return (parts.hostname or "").rstrip(".")


def place_of(text: str) -> tuple[str, int | None] | None:
    """Read `host`, `host:port`, `address`, `address:port`, `[address]` or `[address]:port`.

    Returns:
        The host as names are compared and the port, if one is named; none when it is not a place.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if address := literal(bare):
        return str(address), None
    if not text.isascii() or "[" in text[1:]:
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = host_of(parts), parts.port
    except ValueError:
        return None
    whole = parts.netloc == text and "@" not in text and port != 0
    if whole and (address := literal(host)):
        return str(address), port
    return (host, port) if whole and is_name(host) else None
