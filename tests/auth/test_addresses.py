import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.auth.addresses import client_address, parse_networks, place
from codelab.kit.errors import InvalidInput

PROXIES = parse_networks(["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"])
ip_texts = st.ip_addresses().map(str)
headers = st.lists(st.one_of(ip_texts, st.text(max_size=20)), max_size=5).map(",".join)


@given(st.text(max_size=300) | headers)
def test_nobody_but_a_trusted_proxy_can_say_that_it_is_somebody_else(header: str) -> None:
    assert client_address("192.0.2.7", header, PROXIES) == "192.0.2.7"
    assert client_address("10.1.2.3", header, ()) == "10.1.2.3"


@given(headers)
def test_what_a_client_writes_before_its_own_address_does_not_count(forged: str) -> None:
    assert client_address("10.1.2.3", f"{forged},192.0.2.7", PROXIES) == "192.0.2.7"
    assert client_address("10.1.2.3", f"{forged}, 192.0.2.7, 10.9.9.9", PROXIES) == "192.0.2.7"


@given(ip_texts | st.text(max_size=300) | st.none(), st.text(max_size=3000) | headers)
def test_any_header_gives_a_bounded_address(peer: str | None, header: str) -> None:
    assert 0 < len(client_address(peer, header, PROXIES)) <= 64


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "10.4.4.4", "10.4.4.4"),
        ("10.1.2.3", "nonsense", "10.1.2.3"),
        ("10.1.2.3", "192.0.2.7, nonsense", "10.1.2.3"),
        ("::ffff:10.1.2.3", "::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1::5", "2001:DB8:2::7", "2001:db8:2::7"),
        (None, "192.0.2.7", "unknown"),
        ("a-pipe", "192.0.2.7", "a-pipe"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_is_the_client(
    peer: str | None, header: str, address: str
) -> None:
    assert client_address(peer, header, PROXIES) == address


def test_a_setting_that_is_no_network_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"proxy\.example"):
        parse_networks(["10.0.0.1", "proxy.example"])


def test_all_addresses_of_an_ipv6_site_are_one_place() -> None:
    assert place("2001:db8:2:3::1") == place("2001:db8:2:3:ffff::9") == "2001:db8:2:3::/64"
    assert place("2001:db8:2:4::1") != place("2001:db8:2:3::1")
    assert place("192.0.2.7") == "192.0.2.7"
    assert len(place("x" * 500)) <= 64
