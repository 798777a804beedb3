"""Addresses that lead inside, as hypothesis draws them."""

import ipaddress

from hypothesis import strategies as st

INNER_4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
]
INNER_6 = ["::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32"]


@st.composite
def inner(draw: st.DrawFn, networks: list[str]) -> int:
    """An address of one of the networks, as a number."""
    network = ipaddress.ip_network(draw(st.sampled_from(networks)))
    return int(network[0]) + draw(st.integers(0, network.num_addresses - 1))


def embedded(number: int) -> list[str]:
    """Every way in which an IPv6 address stands for an IPv4 one, and that itself."""
    short = ipaddress.IPv4Address(number)
    forms = [
        0xFFFF << 32 | number,
        number,
        0x64_FF9B << 96 | number,
        0x64_FF9B_0001 << 80 | number,
        0x2002 << 112 | number << 80 | 1,
        # Teredo holds its server in the clear and its client inverted.
        0x2001_0000 << 96 | number << 64,
        0x2001_0000 << 96 | (number ^ 0xFFFF_FFFF),
    ]
    return [str(short), *(str(ipaddress.IPv6Address(form)) for form in forms)]
