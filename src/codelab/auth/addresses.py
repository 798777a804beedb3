"""Which address a request really comes from: pure functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from codelab.kit.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST_ADDRESS = 64
_LONGEST_HEADER = 2000
_IPV6_SITE_BITS = 64


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks in CIDR form.

    Raises:
        InvalidInput: One of them is neither.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            raise InvalidInput(
                f"{text[:_LONGEST_ADDRESS]!r} is neither an address nor a network such as "
                "10.0.0.0/8.",
                field="trusted_proxies",
            ) from None
    return tuple(networks)


def client_address(peer: str | None, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Find the client's address: the nearest one that is not a trusted proxy's.

    Args:
        peer: The other end of the socket.
        forwarded_for: All `X-Forwarded-For` headers, joined by commas. Anybody may write into
            them, so each entry counts only when a trusted proxy has appended it.
        trusted: The proxies' networks.
    """
    address = _parse(peer or "")
    if address is None:
        return (peer or "unknown")[:_LONGEST_ADDRESS]
    for hop in reversed(forwarded_for[-_LONGEST_HEADER:].split(",")):
        if not any(address in network for network in trusted):
            break
        before = _parse(hop.strip())
        if before is None:
            break
        address = before
    return str(address)


def place(address: str) -> str:
    """Return what failed sign-ins are counted by: an IPv4 address or an IPv6 site.

    A single machine may use every address of its IPv6 site.
    """
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_SITE_BITS), strict=False))
    return address[:_LONGEST_ADDRESS]


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
