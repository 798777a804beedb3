"""Names and addresses as this machine knows them."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor

# Names that answer slowly wait for each other here, not in the threads of the rest of the server.
_threads = ThreadPoolExecutor(4, thread_name_prefix="egress")


async def resolve(host: str, port: int) -> list[str]:
    """Look a name up.

    Raises:
        OSError: It has no address.
    """

    def look_up() -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(place[0]) for *_, place in found]

    return await asyncio.get_running_loop().run_in_executor(_threads, look_up)


def is_own(address: str) -> bool:
    """Tell whether an address is one of this machine's: the kernel lets us listen at no other."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
