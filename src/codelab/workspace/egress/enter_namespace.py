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

# `ioctl_ns(2)` and `setns(2)`.
_OWNER_OF_NAMESPACE = 0xB701
_USER, _NETWORK = 0x1000_0000, 0x4000_0000


def main(network: int, way_back: int, port: int) -> None:
    """Listen at a port of the loopback in there.

    Args:
        network: The descriptor of the network's namespace.
        way_back: The descriptor of the socket that takes the listening one.
        port: The port.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    owner = fcntl.ioctl(network, _OWNER_OF_NAMESPACE)
    for namespace, kind in ((owner, _USER), (network, _NETWORK)):
        if kernel.setns(namespace, kind):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(fileno=way_back) as back, socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()
        socket.send_fds(back, [b"."], [listening.fileno()])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
