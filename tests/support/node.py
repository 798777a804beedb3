"""Programs of others from the npm registry: a peer that speaks providers' wires, and clients.

They are fetched when the tests first start, into tests/node, exactly as its lock files say. Where
node is missing, or too old, the tests that need them are left out, and say so.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "node"
AGENTS = FOLDER / "agents"
AGENTS_SETTING = "CODELAB_TEST_AGENTS"

_OLDEST = (20, 15)
_FETCH_S = 600
_FETCH = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
_FAILURE = ".failure"


def fetch() -> None:
    """Fetch what is missing; what could not be fetched says so when a test asks for it."""
    if absent() is None:
        _fetch(FOLDER)
    if absent_agents() is None:
        _fetch(AGENTS)


def absent() -> str | None:
    """Say why the programs cannot be used here; none when they can."""
    if os.name == "nt" or shutil.which("npm") is None:
        return "node is not installed"
    if shutil.which("node") is None:
        return "node is not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", version.stdout)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        return f"node is older than {_OLDEST[0]}.{_OLDEST[1]}"
    return _failure(FOLDER)


def absent_agents() -> str | None:
    """The same for other people's agents, which are large and fetched only when wanted."""
    if not os.environ.get(AGENTS_SETTING):
        return f"other people's agents (600 MB) are fetched with {AGENTS_SETTING}=1"
    return absent() or _failure(AGENTS)


def script(package: str, *path: str) -> Path:
    """Return a file of a fetched package."""
    return FOLDER.joinpath("node_modules", package, *path)


def _fetch(folder: Path) -> None:
    stamp = folder / "node_modules" / ".stamp"
    locked = (folder / "package-lock.json").read_bytes() + (folder / "package.json").read_bytes()
    wanted = hashlib.sha256(locked).hexdigest()
    failure = folder / _FAILURE
    # Several runs of the tests may begin at the same time.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        failure.unlink(missing_ok=True)
        done = subprocess.run(
            ["npm", *_FETCH], cwd=folder, capture_output=True, timeout=_FETCH_S, check=False
        )
        if done.returncode == 0:
            stamp.write_text(wanted, "utf-8")
        else:
            failure.write_text(done.stderr.decode("utf-8", "replace"), "utf-8")


def _failure(folder: Path) -> str | None:
    if not (folder / _FAILURE).exists():
        return None
    return f"npm could not fetch {folder.relative_to(FOLDER.parent)}; see its {_FAILURE}"
