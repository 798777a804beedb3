"""Which destinations a box may reach; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from codelab.kit.addresses import IPAddress, is_public, literal, place_of, unwrapped
from codelab.kit.errors import InvalidInput

_PORTS = (443, 80)
_ANY_HOST_IN = "*."


class Destination(msgspec.Struct, frozen=True):
    """A host that may be reached.

    Args:
        host: Its name in lower case, or its address in the usual form.
        port: Its only port; none: those of https and http.
        subdomains: Whether the hosts below this name are meant instead of the host itself.
    """

    host: str
    port: int | None = None
    subdomains: bool = False

    def covers(self, host: str, port: int) -> bool:
        """Tell whether this names a host's port."""
        if not self._has(port):
            return False
        return host.endswith(f".{self.host}") if self.subdomains else host == self.host

    def trusts(self, host: str, port: int, address: IPAddress) -> bool:
        """Tell whether this names the address, or the host's port in full, wherever it leads."""
        own = literal(self.host)
        if own is not None:
            return own == address and self._has(port)
        return self.port == port and self.covers(host, port) and not self.subdomains

    def _has(self, port: int) -> bool:
        return port in _PORTS if self.port is None else port == self.port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        start = _ANY_HOST_IN if self.subdomains else ""
        return f"{start}{host}" if self.port is None else f"{start}{host}:{self.port}"


class Destinations(msgspec.Struct, frozen=True):
    """All that may be reached.

    Args:
        entries: What the administrator has named.
        only: The one host and port that may be reached of these; none: all.
    """

    entries: tuple[Destination, ...] = ()
    only: tuple[str, int] | None = None

    def names(self, host: str, port: int) -> bool:
        """Tell whether a host's port is named at all."""
        place = _plain(host), port
        return self.only in (None, place) and any(one.covers(*place) for one in self.entries)

    def permits(
        self, host: str, port: int, address: str, is_own: Callable[[str], bool] = lambda _: False
    ) -> bool:
        """Tell whether to connect to an address that a named host has turned out to have.

        Args:
            host: The host.
            port: The port.
            address: One of its addresses.
            is_own: Tells whether an address is this machine's own.
        """
        found = literal(address.partition("%")[0])
        if found is None or not self.names(host, port):
            return False
        found = unwrapped(found)
        if any(one.trusts(_plain(host), port, found) for one in self.entries):
            return True
        return is_public(found) and not is_own(str(found))

    def narrowed(self, host: str, port: int) -> Destinations:
        """Return one destination of these, or none when it is not named."""
        return Destinations(self.entries, (_plain(host), port))

    def listed(self) -> tuple[str, ...]:
        """Return what is named as people write it."""
        return tuple(map(str, self.entries))


class Network(msgspec.Struct, frozen=True):
    """What one box may reach, and the setting that says so."""

    destinations: Destinations
    setting: str


def parse_destinations(texts: Iterable[str], setting: str) -> Destinations:
    """Read `host`, `host:port`, `*.host` and `*.host:port`, addresses among the hosts.

    Raises:
        InvalidInput: One is none of these.
    """
    entries = (_parse(text.strip().lower(), setting) for text in texts if text.strip())
    return Destinations(tuple(entries))


def _parse(text: str, setting: str) -> Destination:
    subdomains = text.startswith(_ANY_HOST_IN)
    place = place_of(text.removeprefix(_ANY_HOST_IN))
    if place is None or (subdomains and literal(place[0])):
        raise InvalidInput(
            f"{setting}: {text!r} is neither a host, nor host:port, nor *.host.", field=setting
        )
    host, port = place
    return Destination(_plain(host), port, subdomains)


def _plain(host: str) -> str:
    """Return a host as hosts are compared: an address in the one form it is written in."""
    address = literal(host)
    return host if address is None else str(unwrapped(address))
