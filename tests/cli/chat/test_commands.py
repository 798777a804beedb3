"""Lines that are commands, and lines that are not."""

from __future__ import annotations

import pytest

from codelab.cli.chat.commands import HELP, Command, read_command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/help", Command("/help", "")),
        ("  /Agent  coder ", Command("/agent", "coder")),
        ("/export my data.zip", Command("/export", "my data.zip")),
        ("hello", None),
        ("", None),
        ("what is a/b?", None),
        ("/etc/hosts is wrong", None),
    ],
)
def test_a_line_is_a_command_or_a_message(line: str, command: Command | None) -> None:
    assert read_command(line) == command


def test_every_help_line_is_about_its_command() -> None:
    assert all(line.startswith(name) for name, line in HELP.items())
