"""Connecting to a name: to the very addresses that were checked, or not at all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

from codelab.kit.errors import Forbidden

T = TypeVar("T")

Resolve = Callable[[str, int], Awaitable[list[str]]]

_ADDRESS_TIMEOUT_S = 3.0


class AddressRefused(Forbidden):
    """A name leads to an address that must not be connected to."""

    code = "address_refused"
    title = "This address is not allowed"


async def addresses_of(host: str, port: int) -> list[str]:
    """Look a name up.

    Raises:
        OSError: It has no address.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


async def dial(
    host: str,
    port: int,
    *,
    permits: Callable[[str], bool],
    connect: Callable[[str], Awaitable[T]],
    resolve: Resolve = addresses_of,
) -> T:
    """Look a name up once, check every address, and connect to the first that answers.

    Args:
        host: The name, or an address.
        port: The port.
        permits: Tells whether an address may be connected to.
        connect: Makes the connection to an address, which is never looked up again: the name may
            lead elsewhere by then.
        resolve: Looks the name up.

    Raises:
        AddressRefused: One of its addresses is not permitted.
        OSError: None could be connected to.
        TimeoutError: The last one did not answer.
    """
    found = list(dict.fromkeys(await resolve(host, port)))
    if not all(permits(address) for address in found):
        raise AddressRefused(f"{host} leads to an address that is not allowed.")
    failure: Exception = OSError("the name has no address")
    for address in found:
        try:
            async with asyncio.timeout(_ADDRESS_TIMEOUT_S if len(found) > 1 else None):
                return await connect(address)
        except (OSError, TimeoutError) as error:
            failure = error
    raise failure
