"""The LiteLLM proxy, installed once into an environment of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_LIST = _ROOT / "requirements" / "bench-peer.txt"


def installed() -> Path:
    """Return the folder of the environment's commands; makes it where this list is new.

    Raises:
        SystemExit: The packages cannot be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(python.encode() + _LIST.read_bytes()).hexdigest()[:16]
    folder = cache / "codelab" / f"bench-peer-{digest}"
    done = folder / "installed"
    if not done.exists():
        print(f"Installing the LiteLLM proxy into {folder}; it takes a minute ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder)
        done.touch()
    return folder / "bin"


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
    python = folder / "bin" / "python"
    hashed = ["--quiet", "--require-hashes", "-r", str(_LIST)]
    if uv:
        make = [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)]
        fill = [uv, "pip", "install", "--compile-bytecode", "--python", str(python), *hashed]
    else:
        make = [sys.executable, "-m", "venv", str(folder)]
        fill = [str(python), "-m", "pip", "install", *hashed]
    for command in (make, fill):
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("The LiteLLM proxy could not be installed (see above).")
