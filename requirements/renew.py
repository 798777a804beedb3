"""Renews the hashed lists beside this file from pyproject.toml; pinned versions that fit are kept.

Its arguments go to uv: --upgrade, or --upgrade-package NAME.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
UV = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "uv"

# The first list leads: what the others share with it is held to the same versions.
LEAD = ["--constraints", "requirements/dev.txt"]
# What an installation in place finds code with.
DEFAULT_EXTRAS = ["--extra", "vectors", "--extra", "tantivy"]
LISTS = {
    "dev.txt": ["pyproject.toml", "--all-extras", "--group", "dev"],
    "runtime.txt": ["pyproject.toml", *DEFAULT_EXTRAS, "--group", "build", *LEAD],
    "node.txt": ["--group", "node", *LEAD],
    "uv.txt": ["--group", "installer", *LEAD],
    "real-model.txt": ["--group", "real-model", "--no-deps"],
    "bench-peer.txt": ["--group", "bench-peer"],
}
FORM = ["--universal", "--python-version", "3.11", "--generate-hashes"]
QUIET = ["--quiet", "--no-config", "--no-header", "--no-annotate"]
INDEX_SETTINGS = {"UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"}
INDEX_SETTINGS |= {"UV_INDEX", "UV_INDEX_URL"}


def main(*arguments: str) -> None:
    """Write every list anew."""
    uv = shutil.which("uv") or str(UV)
    env = {name: value for name, value in os.environ.items() if name not in INDEX_SETTINGS}
    for name, options in LISTS.items():
        output = ["--output-file", f"requirements/{name}"]
        command = [uv, "pip", "compile", *FORM, *QUIET, *output, *options, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, check=False)
        if done.returncode:
            sys.exit(f"dev.py: uv could not make requirements/{name}.")
        if "://" in (FOLDER / name).read_text("utf-8"):
            sys.exit(f"requirements/{name} names an address; the lists must work with any index.")


if __name__ == "__main__":
    main(*sys.argv[1:])
