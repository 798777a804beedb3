"""Builds distributions and installs them for real, without a network, into a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REVIEW = ROOT / "plugins" / "codelab-review"
EMBEDDED = ROOT / "plugins" / "codelab-embedded"

_SCRIPTS = Path(sys.executable).parent
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "dist")


class Site:
    """A folder with installed distributions, and programs that see them beside CodeLab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "site"

    def install(self, project: Path) -> None:
        """Build a wheel of the project and install it."""
        source = self.folder / "sources" / project.name
        shutil.copytree(project, source, ignore=_LEFT_OUT)
        wheels = self.folder / "wheels" / project.name
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels)
        _succeed(source, *build)
        (wheel,) = wheels.glob("*.whl")
        options = ("--quiet", "--offline", "--no-cache", "--no-deps", "--python", sys.executable)
        _succeed(
            source, _SCRIPTS / "uv", "pip", "install", *options, "--target", self.packages, wheel
        )

    def run(
        self, *command: str | Path, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that sees the installed distributions.

        Args:
            command: The program and its arguments.
            folder: Where it runs; a folder of its own by default.
        """
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            "CODELAB_DATA_DIR": str(home / "data"),
            "HOME": str(home),
            "PATH": f"{_SCRIPTS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self.packages),
            "PYTHONWARNINGS": "error",
        }
        return subprocess.run(
            [str(word) for word in command],
            cwd=folder or home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )

    def codelab(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a codelab command."""
        return self.run(sys.executable, "-m", "codelab", *arguments)

    def pytest(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a distribution's own tests; they find CodeLab's fixtures by their entry point."""
        plugins = ("-p", "codelab", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider")
        # Among the numbered folders of all runs it would first remove what earlier ones have left,
        # which is so much after a whole run of these tests that it takes longer than the tests do.
        place = ("--basetemp", self.folder / "tests")
        return self.run(sys.executable, "-m", "pytest", "-q", *plugins, *place, folder=folder)


def write_project(folder: Path, name: str, module: str) -> Path:
    """Write the smallest distribution with one plugin.

    Args:
        folder: Where.
        name: The distribution's name.
        module: The source of its only module.
    """
    project = folder / name
    package = name.replace("-", "_")
    project.mkdir()
    (project / f"{package}.py").write_text(module, "utf-8")
    (project / "pyproject.toml").write_text(
        f"""\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"

[project.entry-points.codelab]
{package} = "{package}"
""",
        "utf-8",
    )
    return project


def _succeed(folder: Path, *command: str | Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
