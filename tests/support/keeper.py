"""Keeps one server for several test processes and ends it when the last of them is gone.

Borrowers hold a connection to the keeper's socket. However a borrower ends, the system closes that
connection, so that no crash, kill or failed test leaves a server behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers import PostgresServer, ValkeyServer

KINDS = {"postgres": PostgresServer, "valkey": ValkeyServer}
FIRST_BORROWER_TIMEOUT_S = 30.0
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def borrowed(kind: str, shared: Path) -> Iterator[str]:
    """Use a server together with everybody who names the same folder.

    Args:
        kind: "postgres" or "valkey".
        shared: The folder through which the borrowers find each other.

    Yields:
        The server's address, with all rights.
    """
    note = shared / f"{kind}.keeper"
    with contextlib.ExitStack() as held:
        with (shared / f"{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            url = _join(note, held)
            if not url:
                log = shared / f"{kind}.log"
                _start_keeper(kind, note, log)
                url = _join(note, held)
                if not url:
                    raise RuntimeError(f"no {kind}: {log.read_text('utf-8', 'replace')}")
        yield url


def _join(note: Path, held: contextlib.ExitStack) -> str:
    connection = held.enter_context(socket.socket(socket.AF_UNIX))
    with contextlib.suppress(OSError):
        connection.connect(note.read_text("utf-8"))
        # A keeper that is about to end closes the connection instead of answering.
        return connection.recv(4096).decode()
    return ""


def _start_keeper(kind: str, note: Path, log: Path) -> None:
    with log.open("wb") as output:
        subprocess.run(
            [sys.executable, "-m", "tests.support.keeper", kind, note],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )


def keep(kind: str, note: Path) -> None:
    """Leave a child behind that lends the server, and return when it is up.

    Args:
        kind: Which server.
        note: The file that tells the borrowers where the keeper listens.
    """
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        sys.exit(not os.read(told, 1))
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    folder = Path(tempfile.mkdtemp(prefix="codelab-tests-"))
    try:
        (folder / "server").mkdir()
        server = KINDS[kind](folder / "server")
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as running:
            running.callback(server.kill)
            server.start()
            address = folder / "keeper"
            listener.bind(str(address))
            address.chmod(0o600)
            listener.listen()
            note.write_text(str(address), "utf-8")
            os.write(tell, b"1")
            _serve(listener, server.url)
    finally:
        shutil.rmtree(folder)


def _serve(listener: socket.socket, url: str) -> None:
    borrowers: set[socket.socket] = set()
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        while True:
            events = ready.select(None if borrowers else FIRST_BORROWER_TIMEOUT_S)
            for key, _ in events:
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    connection.sendall(url.encode())
                    ready.register(connection, selectors.EVENT_READ)
                    borrowers.add(connection)
                else:
                    (gone,) = [one for one in borrowers if one is key.fileobj]
                    ready.unregister(gone)
                    gone.close()
                    borrowers.discard(gone)
            if not borrowers:
                return


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
