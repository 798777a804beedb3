"""The front of the command line: quick help, exit codes, one-sentence errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from codelab import __version__
from codelab.cli.lazy import LazyGroup
from codelab.cli.main import main
from codelab.kit.errors import Unavailable

COMMANDS = (
    *("serve", "chat", "user", "models", "plugins", "doctor", "audit", "migrate", "secret"),
)


@click.command()
@click.argument("how")
def failing(how: str) -> None:
    if how == "expected":
        raise Unavailable("The database does not answer. Try again.")
    if how == "disk":
        raise PermissionError(13, "Permission denied", "data")
    raise AssertionError("a bug")


GROUP = LazyGroup("test", lazy_commands={"failing": (f"{__name__}:failing", "Fails.")})


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codelab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_every_command_and_imports_none() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output
    loaded = (
        "import sys\n"
        "from codelab.cli.main import main\n"
        "heavy = {'sqlalchemy', 'rich', 'litestar', 'uvicorn', 'websockets'}\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_and_errors_name_commands_as_they_were_called(tmp_path: Path) -> None:
    called = "python3 dev.py codelab"
    told = {
        "--help": f"`{called} serve`",
        "chat --nothing": f"'{called} chat --help'",
        "chat --server http://127.0.0.1:1 hi": f"`{called} serve`",
        "serve --host 0.0.0.0": f"`{called} secret`",
    }
    home = {"CODELAB_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)}
    for words, wanted in told.items():
        done = subprocess.run(
            [sys.executable, "-m", "codelab", *words.split()],
            env={**os.environ, **home, "CODELAB_INVOKED_AS": called},
            capture_output=True,
            text=True,
            check=False,
        )
        assert wanted in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 3


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"CodeLab {__version__}\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["serve", "--no-such-option"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("expected", "Error: The database does not answer. Try again.\n"),
        ("disk", "Error: data: Permission denied.\n"),
    ],
)
def test_what_is_expected_to_go_wrong_is_one_sentence_and_exit_code_1(
    how: str, sentence: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(GROUP, ["failing", how])
    assert result.exit_code == 1
    assert result.output == sentence


def test_a_bug_is_not_hidden() -> None:
    result = CliRunner().invoke(GROUP, ["failing", "otherwise"])
    assert isinstance(result.exception, AssertionError)
