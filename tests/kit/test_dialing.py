"""A connection goes to an address that was checked, or nowhere."""

import pytest

from codelab.kit.dialing import AddressRefused, addresses_of, dial


class Names:
    """Answers with the next of several replies each time it is asked."""

    def __init__(self, *replies: list[str]) -> None:
        self.replies = list(replies)

    async def __call__(self, host: str, port: int) -> list[str]:
        return self.replies.pop(0)


class Network:
    """Remembers where connections were made; some addresses don't answer."""

    def __init__(self, *silent: str) -> None:
        self.tried: list[str] = []
        self.silent = silent

    async def __call__(self, address: str) -> str:
        self.tried.append(address)
        if address in self.silent:
            raise ConnectionRefusedError
        return address


def is_ten(address: str) -> bool:
    return address.startswith("10.")


async def test_a_name_is_looked_up_once_and_connected_to_as_it_was_checked() -> None:
    """Whoever answers differently the second time is never asked a second time."""
    names, network = Names(["10.0.0.1"], ["127.0.0.1"]), Network()
    assert await dial("a", 80, permits=is_ten, connect=network, resolve=names) == "10.0.0.1"
    assert network.tried == ["10.0.0.1"]
    assert names.replies == [["127.0.0.1"]]


async def test_one_bad_address_among_good_ones_refuses_the_name() -> None:
    network = Network()
    with pytest.raises(AddressRefused, match="files"):
        await dial(
            "files",
            80,
            permits=is_ten,
            connect=network,
            resolve=Names(["10.0.0.1", "127.0.0.1"]),
        )
    assert network.tried == []


async def test_the_next_address_is_tried() -> None:
    network = Network("10.0.0.1")
    names = Names(["10.0.0.1", "10.0.0.1", "10.0.0.2"])
    assert await dial("a", 80, permits=is_ten, connect=network, resolve=names) == "10.0.0.2"
    assert network.tried == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("found", [[], ["10.0.0.1"]])
async def test_where_nothing_answers_nothing_is_connected(found: list[str]) -> None:
    with pytest.raises(OSError):
        await dial("a", 80, permits=is_ten, connect=Network("10.0.0.1"), resolve=Names(found))


async def test_this_machines_own_names() -> None:
    assert "127.0.0.1" in await addresses_of("127.0.0.1", 80)
