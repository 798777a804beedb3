"""What addresses are, and how places are written."""

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit.addresses import host_of, is_name, is_number, is_public, literal, place_of
from tests.support.inner import INNER_4, INNER_6, embedded, inner


@given(inner(INNER_4))
def test_no_inner_address_is_public_however_it_is_wrapped(number: int) -> None:
    for text in embedded(number):
        assert not is_public(ipaddress.ip_address(text))


@given(inner(INNER_6))
def test_inner_addresses_of_ipv6_are_not_public(number: int) -> None:
    assert not is_public(ipaddress.IPv6Address(number))


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"],
)
def test_where_clouds_keep_what_a_machine_must_not_tell_is_not_public(text: str) -> None:
    for form in embedded(int(ipaddress.IPv4Address(text))) if "." in text else [text]:
        assert not is_public(ipaddress.ip_address(form))


@pytest.mark.parametrize(
    "text", ["93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::5db8:d70e"]
)
def test_others_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("files.example.org", ("files.example.org", None)),
        ("files.example.org.:443", ("files.example.org", 443)),
        ("10.0.0.5:80", ("10.0.0.5", 80)),
        ("::1", ("::1", None)),
        ("[::1]", ("::1", None)),
        ("[::1]:8443", ("::1", 8443)),
    ],
)
def test_places(text: str, place: tuple[str, int | None]) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize(
    "text",
    [
        *("", ":80", "a:b", "a:0", "a:70000", "http://a", "a/b", "x@y", "x@y:80", "a b"),
        *("127.1", "2130706433", "0x7f.1", "0177.0.0.1:80", "1.2.3.4.5", "a..b", ".a", "a\r\n"),
        *("bücher.example", f"{'a' * 64}.org", f"{'a.' * 127}aa", "[::1", "a?b", "a#b", "*.a"),
    ],
)
def test_what_is_no_place(text: str) -> None:
    assert place_of(text) is None


@given(st.text(max_size=40))
def test_a_place_is_a_name_or_an_address_whatever_comes(text: str) -> None:
    place = place_of(text)
    if place is None:
        return
    host, port = place
    assert literal(host) or (is_name(host) and not is_number(host))
    assert port is None or 0 < port < 65536


def test_a_urls_host_is_compared_in_one_form() -> None:
    assert host_of(urlsplit("https://FILES.Example.org.:443/x")) == "files.example.org"
