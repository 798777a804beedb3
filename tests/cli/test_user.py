"""`codelab user` on a real installation."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from codelab.kit.bus import Bus
from codelab.kit.db import Database
from tests.cli.installed import NAME, PASSWORD, Installation

OTHER = "quite another long password"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def actions(installation: Installation) -> list[str]:
    async def read() -> list[str]:
        folder = installation.home / "data" / "codelab"
        db = Database(f"sqlite+aiosqlite:///{folder / 'codelab.db'}", Bus())
        try:
            async with db.read() as connection:
                rows = await connection.execute(sa.text("SELECT action FROM audit_log ORDER BY id"))
                return [row.action for row in rows]
        finally:
            await db.close()

    return asyncio.run(read())


def test_the_first_user_is_an_administrator_and_everything_is_recorded(
    installation: Installation,
) -> None:
    typed = f"{PASSWORD}\n"
    first = installation.run("user", "add", NAME, "--password-stdin", typed=typed)
    assert first.stdout == f"Added the administrator {NAME}.\n", first.stderr
    second = installation.run("user", "add", "ben", "--password-stdin", typed=typed)
    assert second.stdout == "Added the user ben.\n"
    assert installation.run("user", "disable", "ben").stdout == "Disabled ben.\n"
    listed = installation.run("user", "list").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [[NAME, "admin"], ["ben", "user"]]
    assert listed[1].endswith("disabled")
    assert installation.run("user", "enable", "ben").stdout == "Enabled ben.\n"
    changed = installation.run("user", "passwd", "ben", "--password-stdin", typed=f"{OTHER}\n")
    assert changed.returncode == 0
    made = installation.run("user", "token", "ben", "--name", "laptop", "--expires-days", "9")
    assert re.fullmatch(r"codelab_[0-9a-f]{32}_[0-9a-f]{64}\n", made.stdout), made.stderr
    assert actions(installation)[-1] == "auth.api_token_created"
    assert len(actions(installation)) >= 5


@pytest.mark.parametrize(
    ("arguments", "typed", "code"),
    [
        (("user", "disable", "nobody"), "", 1),
        (("user", "add", NAME, "--password-stdin"), "short\n", 1),
        (("user", "add", NAME), "", 2),
        (("user", "token", "nobody"), "", 1),
        (("user", "token", NAME, "--expires-days", "0"), "", 2),
    ],
)
def test_what_goes_wrong_is_said_without_a_trace(
    installation: Installation, arguments: tuple[str, ...], typed: str, code: int
) -> None:
    done = installation.run(*arguments, typed=typed)
    assert done.returncode == code
    assert "Error: " in done.stderr and "Traceback" not in done.stderr
