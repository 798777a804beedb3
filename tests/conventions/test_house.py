"""The house rules hold for everything in this repository."""

import functools
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.conventions import rules

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "codelab"
VENDORED = PACKAGE / "gateway" / "swagger"
# Folders peculiar to whoever works here. Where installations usually go is everybody's.
PLACES = [
    place
    for place in (ROOT, Path.home())
    if len(place.parts) > 2 and place.parts[1] not in {"opt", "srv", "usr", "var"}
]

Rule = Callable[[Path], Iterator[str]]


def tracked_files() -> list[Path]:
    """Everything that is or is about to be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def own_files() -> list[Path]:
    """What is committed and was written here."""
    return [path for path in tracked_files() if not path.is_relative_to(VENDORED)]


def python_files() -> list[Path]:
    """The product's own code: the package, the plugins and the front desk."""
    plugins = [path for path in (ROOT / "plugins").glob("*/src/**/*.py") if path.is_file()]
    return [*sorted(PACKAGE.rglob("*.py")), *sorted(plugins), ROOT / "dev.py"]


def complaints(rule: Rule, files: Iterable[Path]) -> str:
    return "\n".join(line for path in files for line in rule(path))


@pytest.mark.parametrize(
    "rule",
    [rules.too_long, rules.vague_names, rules.logic_in_init, rules.imports_in_functions],
)
def test_the_code_keeps_the_house_style(rule: Rule) -> None:
    files = python_files()
    assert len(files) > 1
    assert complaints(rule, files) == ""


@pytest.mark.parametrize("rule", [rules.unfinished_work, rules.registry_hosts])
def test_committed_files_are_finished_and_at_home_anywhere(rule: Rule) -> None:
    files = own_files()
    assert Path(__file__) in files
    assert complaints(rule, files) == ""


def test_committed_files_name_no_folder_of_this_machine() -> None:
    assert complaints(functools.partial(rules.machine_paths, places=PLACES), tracked_files()) == ""


def test_modules_use_each_others_front_doors() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert complaints(functools.partial(rules.back_doors, source=SOURCE), files) == ""


@pytest.mark.parametrize("home", ["agents", "tools"])
def test_built_in_plugins_have_no_privileges(home: str) -> None:
    package = f"codelab.{home}.builtin"
    files = sorted((PACKAGE / home / "builtin").rglob("*.py"))
    assert files
    assert complaints(functools.partial(rules.privileged_plugins, package=package), files) == ""


def test_shipped_plugins_use_the_sdk_only() -> None:
    for source in sorted((ROOT / "plugins").glob("*/src/*")):
        rule = functools.partial(rules.privileged_plugins, package=source.name)
        assert complaints(rule, sorted(source.rglob("*.py"))) == ""


def test_every_module_has_its_tests() -> None:
    assert "\n".join(rules.untested_modules(PACKAGE, ROOT / "tests")) == ""
