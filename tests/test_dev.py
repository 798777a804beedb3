"""The front desk installs once, renews what changed and then gets out of the way."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Stands for uv: notes what it is asked and makes what the front desk looks for afterwards.
UV = """#!/bin/sh
echo "$@" >> "{log}"
echo "$UV_DEFAULT_INDEX $SSL_CERT_FILE" > "{log}.settings"
if [ "$1" = pip ] && [ -n "$FAILURE" ]; then
    echo "$FAILURE" >&2
    exit 1
fi
for last; do :; done
case "$1" in
venv)
    mkdir -p "$last/bin" || exit 1
    echo "version = {version}" > "$last/pyvenv.cfg"
    ln -s "{python}" "$last/bin/python"
    printf '#!/bin/sh\\necho "$$" "$PWD" "$@"\\n' > "$last/bin/codelab"
    printf 'echo "$CODELAB_INVOKED_AS" > "$0.called"\\nexit 7\\n' >> "$last/bin/codelab"
    chmod +x "$last/bin/codelab" ;;
esac
"""

# Stands for web/build.py: notes what it is asked, and finds what the test says.
BUILD = """
import os, pathlib, sys
with pathlib.Path({log!r}).open("a") as log:
    print("web", sys.argv[1], file=log)
sys.exit(sys.argv[1] in os.environ.get("LACKING", "").split())
"""


@dataclass
class Desk:
    """A copy of the front desk in a folder of its own."""

    root: Path
    caller: Path
    log: Path

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.root / "dev.py", *words],
            cwd=self.caller,
            env={
                "PATH": f"{self.log.parent}{os.pathsep}/usr/bin:/bin",
                "HOME": str(self.caller),
                **settings,
            },
            check=False,
            capture_output=True,
            text=True,
        )

    def asked(self) -> list[str]:
        """What uv was asked since the last look."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def with_interface(self) -> None:
        """Give the clone a browser interface."""
        (self.root / "web").mkdir()
        (self.root / "web" / "build.py").write_text(BUILD.format(log=str(self.log)), "utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root, caller, tools = (tmp_path / name for name in ("a clone", "caller", "tools"))
    for folder in (root, caller, tools):
        folder.mkdir()
    shutil.copytree(ROOT / "requirements", root / "requirements")
    for name in ("dev.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    log = tools / "log"
    version = ".".join(str(part) for part in sys.version_info[:3])
    (tools / "uv").write_text(
        UV.format(log=log, version=version, python=sys.executable), encoding="utf-8"
    )
    (tools / "uv").chmod(0o755)
    return Desk(root, caller, log)


def test_the_first_start_installs_hashed_lists_then_codelab(desk: Desk) -> None:
    assert desk.run("serve").returncode == 7
    venv, packages, itself = desk.asked()
    assert venv.startswith("venv ")
    assert "--require-hashes" in packages
    assert packages.endswith("runtime.txt")
    assert "--no-deps --no-build-isolation --editable" in itself


def test_the_second_start_installs_nothing(desk: Desk) -> None:
    desk.run("serve")
    desk.asked()
    done = desk.run("serve")
    assert (done.returncode, done.stderr, desk.asked()) == (7, "", [])


def test_a_command_runs_in_the_callers_folder_as_this_very_process(desk: Desk) -> None:
    desk.run("serve")
    with subprocess.Popen(
        [sys.executable, desk.root / "dev.py", "codelab", "user", "add", "Ada L."],
        cwd=desk.caller,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        output, _ = process.communicate()
    assert output.strip() == f"{process.pid} {desk.caller} user add Ada L."
    assert process.returncode == 7


def test_codelab_learns_how_it_was_called(desk: Desk) -> None:
    desk.run("serve")
    called = (desk.root / ".venv" / "bin" / "codelab.called").read_text("utf-8")
    python, file, verb = shlex.split(called)
    assert shutil.which(python)
    assert (file, verb) == (str(desk.root / "dev.py"), "codelab")


def test_uv_is_given_what_pip_knows_unless_it_knows_better(desk: Desk) -> None:
    seen = desk.log.with_name("log.settings")
    pips = {"PIP_INDEX_URL": "https://index.example/simple", "PIP_CERT": "/etc/own.pem"}
    desk.run("serve", **pips, UV_DEFAULT_INDEX="https://other.example")
    assert seen.read_text("utf-8") == "https://other.example /etc/own.pem\n"
    shutil.rmtree(desk.root / ".venv")
    desk.run("serve", **pips)
    assert seen.read_text("utf-8") == "https://index.example/simple /etc/own.pem\n"


def test_a_failed_try_is_shown_only_when_no_other_way_works(desk: Desk) -> None:
    # The other way is pip, if there is one, and it has no index here.
    nowhere = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = desk.run("serve", FAILURE="invalid peer certificate", **nowhere)
    assert done.returncode == 1
    assert "invalid peer certificate" in done.stderr
    assert done.stderr.index("invalid peer certificate") < done.stderr.index("dev.py: The packages")


@pytest.mark.parametrize("name", ["requirements/runtime.txt", "pyproject.toml"])
def test_a_changed_list_is_installed_again_into_the_same_place(desk: Desk, name: str) -> None:
    desk.run("serve")
    desk.asked()
    with (desk.root / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert desk.run("serve").returncode == 7
    assert [line.split()[0] for line in desk.asked()] == ["pip", "pip"]


def test_a_moved_checkout_is_installed_again(desk: Desk) -> None:
    desk.run("serve")
    desk.asked()
    desk.root = desk.root.rename(desk.root.with_name("moved"))
    assert desk.run("serve").returncode == 7
    assert desk.asked() != []


def test_what_an_interrupted_run_left_is_thrown_away(desk: Desk) -> None:
    left_over = desk.root / ".venv" / "left-over"
    left_over.parent.mkdir()
    left_over.touch()
    (desk.root / ".venv.lock").write_text("installing\n", encoding="utf-8")
    assert desk.run("serve").returncode == 7
    assert not left_over.exists()
    assert desk.asked()[0].startswith("venv ")


def test_another_python_gets_another_environment(desk: Desk) -> None:
    desk.run("serve")
    desk.asked()
    (desk.root / ".venv" / "pyvenv.cfg").write_text("version = 3.9.1\n", encoding="utf-8")
    (desk.root / ".venv" / ".codelab-runtime").unlink()
    assert desk.run("serve").returncode == 7
    assert desk.asked()[0].startswith("venv ")


def test_the_development_packages_serve_for_running_too(desk: Desk) -> None:
    desk.run("test", "--version")
    assert any(line.endswith("dev.txt") for line in desk.asked())
    assert desk.run("serve").returncode == 7
    assert desk.asked() == []


@pytest.mark.parametrize(("words", "code"), [([], 0), (["help"], 0), (["sing"], 2)])
def test_without_a_known_verb_it_says_what_it_can_do(
    desk: Desk, words: list[str], code: int
) -> None:
    done = desk.run(*words)
    assert done.returncode == code
    assert "serve [arguments]" in done.stdout
    assert desk.asked() == []


def test_an_unknown_benchmark_is_refused_before_anything_is_installed(desk: Desk) -> None:
    done = desk.run("bench", "nothing")
    assert done.returncode == 1
    assert "NAME" in done.stderr
    assert desk.asked() == []


def test_the_server_starts_with_an_interface_that_is_up_to_date(desk: Desk) -> None:
    desk.with_interface()
    assert desk.run("serve", LACKING="current").returncode == 7
    assert desk.asked()[-3:] == ["web current", "web system", "web build"]
    done = desk.run("serve")
    assert (done.returncode, done.stderr, desk.asked()) == (7, "", ["web current"])
    desk.run("codelab", "doctor")
    assert desk.asked() == []


def test_where_there_is_no_node_it_comes_from_the_package_index(desk: Desk) -> None:
    desk.with_interface()
    desk.run("serve")
    desk.asked()
    assert desk.run("serve", LACKING="current system").returncode == 7
    _, _, installed, built = desk.asked()
    assert "--require-hashes" in installed and installed.endswith("node.txt")
    assert built == "web build"


@pytest.mark.parametrize("trouble", [{"LACKING": "current build"}, {"FAILURE": "no index"}])
def test_without_a_way_to_build_the_interface_it_starts_and_says_so(
    desk: Desk, trouble: dict[str, str]
) -> None:
    desk.with_interface()
    desk.run("serve")
    nowhere = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = desk.run("serve", **{"LACKING": "current system", **nowhere, **trouble})
    assert done.returncode == 7
    said = done.stderr.splitlines()
    assert len(said) == 2 and "python3 dev.py web" in said[1]


def test_a_check_does_everything_and_names_what_failed(desk: Desk) -> None:
    desk.with_interface()
    desk.run("serve")
    for name in ("ruff", "lint-imports", "deptry"):
        program = desk.root / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> "{desk.log}"\n', "utf-8")
        program.chmod(0o755)
    desk.asked()
    # There is nothing to find types in, and no test.
    done = desk.run("check", LACKING="check")
    assert done.returncode == 1
    asked = {"ruff check", "ruff format --check", "lint-imports", "deptry src", "web check"}
    assert asked <= {line.strip() for line in desk.asked()}
    verdicts = "lint: passed\ntypes: FAILED\ncontracts: passed\ndeps: passed\nweb: FAILED\n"
    before, _, after = done.stderr.partition(verdicts)
    assert "mypy" in before and "pytest" in after
