"""A real `codelab serve --demo`, and a human's terminal before a real `codelab chat`."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NAME, PASSWORD = "ann", "correct horse battery"
DEADLINE_S = 30.0

_WHERE_IS_THE_CURSOR = b"\x1b[6n"
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Installation:
    """One user's CodeLab, in folders of its own.

    Args:
        home: An empty folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = ""
        self.environment = {
            **{name: value for name, value in os.environ.items() if "CODELAB" not in name},
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "TERM": "xterm",
            "PYTHONUNBUFFERED": "1",
            "CODELAB_INDEX_ENGINE": "off",
        }

    def seen_from(self, config: Path) -> Installation:
        """Return the same server for a client who has never signed in before.

        Args:
            config: The client's own, empty configuration folder.
        """
        other = Installation(self.home)
        other.url = self.url
        other.environment["XDG_CONFIG_HOME"] = str(config)
        return other

    @property
    def sample(self) -> Path:
        """The tour's project."""
        return self.home / "data" / "codelab-demo"

    def run(
        self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "codelab", *arguments],
            input=typed,
            cwd=self.home,
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )

    def add_user(self) -> None:
        """Add the user of the tests."""
        done = self.run("user", "add", NAME, "--password-stdin", typed=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr

    def chat(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run `codelab chat` without a terminal, signed in by the environment."""
        return self.run(
            "chat",
            "--server",
            self.url,
            *arguments,
            typed=typed,
            environment={"CODELAB_USERNAME": NAME, "CODELAB_PASSWORD": PASSWORD},
        )

    @property
    def printed(self) -> str:
        """What the server has printed."""
        return (self.home / "server.out").read_text("utf-8")

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `codelab serve` on a free port until the block ends."""
        with (self.home / "server.out").open("wb") as out, (self.home / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "codelab", "serve", "--port", "0", *arguments],
                cwd=self.home,
                env=self.environment,
                stdout=out,
                stderr=log,
            )
        try:
            self.url = self._address(process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=DEADLINE_S)

    def _address(self, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + DEADLINE_S
        while process.poll() is None and time.monotonic() < deadline:
            if found := re.search(r"runs at (\S+)\n", self.printed):
                return found[1]
            time.sleep(0.02)
        raise AssertionError((self.home / "log").read_text("utf-8"))


class Terminal:
    """A terminal of 200 by 40 characters with a program in it, and somebody who types."""

    def __init__(self, command: list[str], installation: Installation) -> None:
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (40, 200))
        self._process = subprocess.Popen(
            command,
            cwd=installation.home,
            env=installation.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._seen = ""
        self._from = 0

    @property
    def screen(self) -> str:
        """All that was ever printed, without colours and cursor movements."""
        return _ESCAPES.sub("", self._seen)

    def expect(self, text: str) -> None:
        """Wait until the program has printed a text, after what was expected before."""
        deadline = time.monotonic() + DEADLINE_S
        while (found := self.screen.find(text, self._from)) < 0:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{text!r} did not come; so far:\n{self.screen}")
        self._from = found + len(text)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def wait(self) -> int:
        """Wait for the program's end and return its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self._process.wait(timeout=DEADLINE_S)

    def close(self) -> None:
        """Turn the terminal off."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._ours], [], [], timeout_s)[0]:
            return False
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:
            return False
        for _ in range(chunk.count(_WHERE_IS_THE_CURSOR)):
            self.type("\x1b[1;1R")
        self._seen += chunk.decode("utf-8", "replace")
        return bool(chunk)


@contextmanager
def terminal(installation: Installation, *arguments: str) -> Iterator[Terminal]:
    """Run `codelab chat` in a terminal."""
    command = [sys.executable, "-m", "codelab", "chat", "--server", installation.url, *arguments]
    opened = Terminal(command, installation)
    try:
        yield opened
    finally:
        opened.close()
