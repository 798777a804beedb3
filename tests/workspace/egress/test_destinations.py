"""Which destinations are reached: what is named, at an address that it may have."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.errors import InvalidInput
from codelab.workspace.egress.destinations import Destinations, parse_destinations
from tests.support.inner import INNER_4, INNER_6, embedded, inner

SETTING = "CODELAB_SANDBOX_NETWORK"
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8).map(
    lambda text: f"a{text}a"
)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.integers(1, 65535)
PUBLIC = "93.184.215.14"


def parsed(*texts: str) -> Destinations:
    return parse_destinations(texts, SETTING)


@given(NAMES, PORTS)
def test_nothing_named_is_nothing_reached(host: str, port: int) -> None:
    assert not parsed().names(host, port)
    assert not parsed().permits(host, port, PUBLIC)


@given(NAMES, NAMES, PORTS, PORTS)
def test_a_host_and_a_port_are_this_host_and_this_port(
    named: str, host: str, one: int, other: int
) -> None:
    exact, plain, below = parsed(f"{named}:{one}"), parsed(named), parsed(f"*.{named}:{one}")
    assert exact.names(host, other) == (host == named and one == other)
    assert plain.names(host, other) == (host == named and other in (443, 80))
    assert below.names(host, one) == host.endswith(f".{named}")
    assert below.names(f"{host}.{named}", one)
    assert not below.names(named, one)
    # Neither a beginning nor an end that only looks alike.
    assert not exact.names(f"evil{named}", one)
    assert not below.names(f"evil{named}", one)
    assert not exact.names(f"{named}.evil.org", one)


@given(inner(INNER_4), NAMES)
def test_a_name_leads_inside_only_where_host_and_port_are_named(number: int, host: str) -> None:
    for address in embedded(number):
        assert not parsed(host).permits(host, 443, address)
        assert not parsed(f"*.{host}:443").permits(f"a.{host}", 443, address)
        assert parsed(f"{host}:443").permits(host, 443, address)
        assert not parsed(f"{host}:443", host).permits(host, 80, address)


@given(inner(INNER_6), NAMES)
def test_a_name_leads_inside_by_ipv6_only_where_it_is_named(number: int, host: str) -> None:
    address = str(ipaddress.IPv6Address(number))
    assert not parsed(host).permits(host, 443, address)
    assert parsed(f"{host}:443").permits(host, 443, address)


@given(inner(INNER_4), inner(INNER_4))
def test_an_address_that_is_named_is_reached_and_no_other(one: int, other: int) -> None:
    named, asked = str(ipaddress.IPv4Address(one)), str(ipaddress.IPv4Address(other))
    for entry in (named, f"{named}:443", f"[::ffff:{named}]:443"):
        allowed = parsed(entry, "files.example.org")
        assert allowed.permits(named, 443, named)
        assert allowed.permits(f"::ffff:{named}", 443, named)
        assert allowed.names(asked, 443) == (asked == named)
        # Also by a name that leads there.
        assert allowed.permits("files.example.org", 443, asked) == (asked == named)


def test_this_machines_own_addresses_are_reached_only_where_they_are_named() -> None:
    def is_own(address: str) -> bool:
        return address == PUBLIC

    assert parsed("a.org").permits("a.org", 443, "93.184.215.15", is_own)
    for address in (PUBLIC, f"::ffff:{PUBLIC}"):
        assert not parsed("a.org").permits("a.org", 443, address, is_own)
        assert parsed("a.org:443").permits("a.org", 443, address, is_own)
        assert parsed("a.org", PUBLIC).permits("a.org", 443, address, is_own)


@given(st.text(max_size=30))
def test_what_is_no_address_is_not_connected_to(text: str) -> None:
    allowed = parsed("a.org:443")
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        assert not allowed.permits("a.org", 443, text)


def test_one_of_them() -> None:
    allowed = parsed("*.example.org", "10.0.0.5:8443")
    one = allowed.narrowed("git.example.org", 443)
    assert one.names("git.example.org", 443)
    assert not one.names("git.example.org", 80)
    assert not one.names("other.example.org", 443)
    assert not one.names("10.0.0.5", 8443)
    assert not allowed.narrowed("example.com", 443).names("example.com", 443)
    # What is trusted to lead inside stays what the setting says.
    assert not one.permits("git.example.org", 443, "10.0.0.6")


@pytest.mark.parametrize(
    "text",
    [
        *("*", "*.", "*.*", "*.10.0.0.1", "a.*.org", "http://a.org", "a.org/x", "a.org:0", "a b"),
        *("a.org:http", "user@a.org", "127.1", "0x7f.0.0.1", "10.0.0.0/8", "bücher.example"),
    ],
)
def test_what_names_no_destination_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match=SETTING):
        parsed("a.org", text)


def test_they_are_shown_as_they_are_meant() -> None:
    texts = ("a.org", "*.B.org", "c.org.:8080", "[::1]:80", "::2", "*.d.org:81")
    shown = ("a.org", "*.b.org", "c.org:8080", "[::1]:80", "[::2]", "*.d.org:81")
    assert parsed(*texts, " ").listed() == shown
    assert parsed(*shown).listed() == shown
