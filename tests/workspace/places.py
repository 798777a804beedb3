"""What tests do to folders and processes from outside, without an event loop."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Opens the workspace that the first argument names; what a test adds runs in a process of its own.
CHILD = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from codelab.workspace.sandbox.box import Access
from codelab.workspace.errors import DiskFull
from codelab.workspace.folder import Folder
from codelab.workspace.rules import Audience, Rules
from codelab.workspace.sandbox.sandbox import Sandbox
from codelab.workspace.settings import WorkspaceSettings

root, threads = Path(sys.argv[1]), ThreadPoolExecutor(2)
sandbox = Sandbox(WorkspaceSettings(data_dir=root / "none"))
folder = Folder(root, Rules(Audience.AGENT), sandbox, "bubblewrap", threads)
"""


def names(folder: Path) -> list[str]:
    """The names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def remove(folder: Path) -> None:
    """Take an empty folder away."""
    folder.rmdir()


def text_of(path: str) -> str:
    """The stripped text of a file anywhere."""
    return Path(path).read_text("utf-8").strip()


# git wants to know who commits and merges, and this machine may not have told it.
SOMEONE = ("-c", "user.name=Someone", "-c", "user.email=someone@localhost")


def run(
    *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def git(root: Path, *words: str) -> None:
    """Run git as the developer would, outside any box."""
    done = run("git", *SOMEONE, *words, cwd=root)
    assert done.returncode == 0, done.stderr


def child(program: str, *arguments: str | Path, opening: str = CHILD) -> subprocess.Popen[bytes]:
    """Start a process of our own that opens the workspace `arguments[0]`."""
    words = [sys.executable, "-c", opening + program, *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def processes_with(text: str) -> list[int]:
    """The processes of this machine whose command line holds the text."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def wait_until(is_so: Callable[[], bool], limit_s: float = 10.0) -> float:
    """Wait for something and return how long it took, or the limit."""
    started = time.monotonic()
    while not is_so() and time.monotonic() - started < limit_s:
        time.sleep(0.01)
    return time.monotonic() - started


def tree_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in a folder by its name: mode, and content or target."""
    found = {"": (folder.lstat().st_mode, b"")}
    for path in folder.rglob("*"):
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found
