"""`codelab audit verify` and what replacing the key does, on both databases."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from codelab.kit.secret_key import new_key
from tests.cli.installed import PASSWORD, Installation

KEY = new_key()


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    """An installation with one user, and so with an audit log."""
    made = Installation(tmp_path)
    made.environment |= {"CODELAB_DATABASE_URL": database_url, "CODELAB_SECRET_KEY": KEY}
    made.run("migrate")
    made.add_user()
    return made


def verify(
    installation: Installation, *arguments: str, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Return the exit code and all that was printed."""
    done = installation.run("audit", "verify", *arguments, environment=environment)
    return done.returncode, done.stdout + done.stderr


def head_of(installation: Installation) -> tuple[int, str]:
    code, told = verify(installation)
    assert code == 0, told
    found = re.fullmatch(r"(\d+) entries, chain intact, head (\1:[0-9a-f]{64})\n", told)
    assert found, told
    return int(found[1]), found[2]


def record_more(installation: Installation) -> None:
    typed = f"{PASSWORD}\n"
    assert installation.run("user", "add", "ben", "--password-stdin", typed=typed).returncode == 0


def tamper(url: str, *statements: str) -> None:
    async def run() -> None:
        engine = create_async_engine(url)
        try:
            async with engine.begin() as db:
                if url.startswith("sqlite"):
                    await db.execute(sa.text("DROP TRIGGER audit_log_no_update"))
                    await db.execute(sa.text("DROP TRIGGER audit_log_no_delete"))
                else:
                    await db.execute(sa.text("DROP TRIGGER audit_log_append_only ON audit_log"))
                for statement in statements:
                    await db.execute(sa.text(statement))
        finally:
            await engine.dispose()

    asyncio.run(run())


def test_an_intact_log_is_told_with_its_head(installation: Installation) -> None:
    count, head = head_of(installation)
    assert count >= 1
    record_more(installation)
    assert head_of(installation)[0] > count
    assert verify(installation, "--expect", head)[0] == 0


def test_a_changed_entry_is_named_in_one_sentence(
    installation: Installation, database_url: str
) -> None:
    tamper(database_url, "UPDATE audit_log SET details = '{}' WHERE seq = 1")
    code, told = verify(installation)
    assert code == 1
    assert re.fullmatch(
        r"Error: Entry 1 \([0-9a-f]{32}, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\) was changed: .*\.\n",
        told,
    ), told


def test_entries_without_signatures_are_taken_only_when_they_are_known(
    installation: Installation, database_url: str
) -> None:
    record_more(installation)
    count, _ = head_of(installation)
    tamper(database_url, "UPDATE audit_log SET signature = ''")
    code, told = verify(installation)
    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith(f"Error: Nobody signed the first {count} entries."), told
    assert verify(installation, "--unsigned", str(count - 1))[0] == 1
    assert verify(installation, "--unsigned", str(count))[0] == 0


def test_what_was_cut_off_with_the_head_shows_by_a_noted_one(
    installation: Installation, database_url: str
) -> None:
    record_more(installation)
    count, noted = head_of(installation)
    tamper(
        database_url,
        "DELETE FROM audit_log WHERE seq = (SELECT max(seq) FROM audit_log)",
        "UPDATE audit_head SET seq = (SELECT max(seq) FROM audit_log)",
        "UPDATE audit_head SET hash = (SELECT hash FROM audit_log WHERE seq = audit_head.seq)",
    )
    head_of(installation)
    code, told = verify(installation, "--expect", noted)
    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith(f"Error: Entry {count} is missing"), told


@pytest.mark.parametrize("head", ["", "5", "5:abc", f"-1:{'0' * 64}", f"x:{'0' * 64}"])
def test_a_head_that_is_none_is_wrong_usage(tmp_path: Path, head: str) -> None:
    code, told = verify(Installation(tmp_path), "--expect", head)
    assert code == 2
    assert "Traceback" not in told and "64 hexadecimal digits" in told


def test_after_the_key_was_replaced_the_former_one_is_not_needed(
    installation: Installation,
) -> None:
    newer = new_key()
    both = {"CODELAB_SECRET_KEY": newer, "CODELAB_SECRET_KEYS_PREVIOUS": KEY}
    alone = {"CODELAB_SECRET_KEY": newer}
    code, told = verify(installation, environment=alone)
    assert code == 1 and "CODELAB_SECRET_KEYS_PREVIOUS" in told
    assert verify(installation, environment=both)[0] == 0
    done = installation.run("secret", "--rotate", environment=both)
    assert done.returncode == 0, done.stderr
    assert "The audit log is intact" in done.stdout
    assert verify(installation, environment=alone)[0] == 0


def test_nobody_vouches_for_a_changed_log_and_texts_are_sealed_anew_all_the_same(
    installation: Installation, database_url: str
) -> None:
    tamper(database_url, "UPDATE audit_log SET action = 'x' WHERE seq = 1")
    both = {"CODELAB_SECRET_KEY": new_key(), "CODELAB_SECRET_KEYS_PREVIOUS": KEY}
    done = installation.run("secret", "--rotate", environment=both)
    assert done.returncode == 1
    assert "sealed anew" in done.stdout
    assert done.stderr.startswith("Error: Entry 1 (")
