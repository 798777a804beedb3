"""A script, run by itself: listens inside a box's network and hands the socket back.

It joins the user namespace that owns the network, which only a process of one thread may do, and
then the network itself. Nothing of it stays in the box: what listens belongs to whoever started it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

# `ioctl_ns(2)` and `setns(2)`.
_OWNER_OF_NAMESPACE = 0xB701
_USER, _NETWORK = 0x1000_0000, 0x4000_0000


def main(outer: int, way_back: int, port: int) -> None:
    """Listen at a port of the loopback in there.

    Args:
        outer: The process outside the box that started it.
        way_back: The descriptor of the socket that takes the listening one.
        port: The port.
    """
    # All that is needed is loaded by now; its owner may not be able to read it.
    kernel = ctypes.CDLL(None, use_errno=True)
    become(Path(f"/proc/{outer}").stat())
    network = network_below(outer)
    owner = fcntl.ioctl(network, _OWNER_OF_NAMESPACE)
    for namespace, kind in ((owner, _USER), (network, _NETWORK)):
        if kernel.setns(namespace, kind):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(fileno=way_back) as back, socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()
        socket.send_fds(back, [b"."], [listening.fileno()])


def become(owner: os.stat_result) -> None:
    """Take the box's owner on: root without further rights may not enter what others made."""
    if os.geteuid() == 0 and owner.st_uid:
        os.setgroups([])
        os.setresgid(*[owner.st_gid] * 3)
        os.setresuid(*[owner.st_uid] * 3)


def network_below(outer: int) -> int:
    """Open the first network below a process that is not our own."""
    own = Path("/proc/self/ns/net").stat().st_ino
    waiting = [outer]
    while waiting:
        process = waiting.pop(0)
        with suppress(OSError):
            network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            if os.fstat(network).st_ino != own:
                return network
            os.close(network)
        with suppress(OSError):
            for thread in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (thread / "children").read_bytes().split())
    raise SystemExit("it has none of its own")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
