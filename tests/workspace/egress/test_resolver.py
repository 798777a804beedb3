import socket

import pytest

from codelab.workspace.egress.resolver import is_own, resolve


def test_which_addresses_are_this_machines() -> None:
    assert is_own("127.0.0.1")
    assert is_own("127.0.0.5")
    for address in ("192.0.2.1", "93.184.215.14", "2606:4700::1111"):
        assert not is_own(address)


def test_an_address_of_its_own_network_card_is_one() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        name = socket.gethostname()
    try:
        found = {str(place[0]) for *_, place in socket.getaddrinfo(name, 80, socket.AF_INET)}
    except OSError:
        pytest.skip("this machine does not know its own name")
    assert all(map(is_own, found))


async def test_names_are_looked_up() -> None:
    assert set(await resolve("127.0.0.1", 80)) == {"127.0.0.1"}
