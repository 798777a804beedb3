"""What the doctor finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from codelab.cli import checks
from codelab.cli.migration import upgrade

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MB = 1024 * 1024


@pytest.mark.parametrize(
    ("version", "level"),
    [((3, 10, 9), "missing"), ((3, 11, 0), "ok"), ((3, 13, 1), "ok"), ((3, 14, 0), "missing")],
)
def test_python(version: tuple[int, ...], level: str) -> None:
    assert checks.check_python(version).level == level


@pytest.mark.parametrize(("version", "level"), [((3, 34, 1), "missing"), ((3, 35, 0), "ok")])
def test_sqlite(version: tuple[int, ...], level: str) -> None:
    assert checks.check_sqlite(version).level == level


def test_a_missing_program_says_what_it_is_for_and_how_to_get_it(tmp_path: Path) -> None:
    found = checks.check_program("git", "for commits", "Install git.", path=str(tmp_path))
    assert (found.level, found.mend) == ("weak", "Install git.")
    assert "for commits" in found.text
    program = tmp_path / "git"
    program.touch(mode=0o755)
    assert checks.check_program("git", "", "", path=str(tmp_path)).text == str(program)


@pytest.mark.parametrize(
    ("engine", "is_confined", "level"),
    [("fts5", True, "ok"), ("tantivy", False, "weak"), ("off", False, "ok")],
)
def test_what_keeps_the_indexing_process_in(engine: str, is_confined: bool, level: str) -> None:
    found = checks.check_index(engine, is_confined=is_confined)
    assert (found.level, bool(found.mend)) == (level, level == "weak")
    assert engine in found.text


@pytest.mark.parametrize(
    ("free_mb", "level"), [(5000, "ok"), (1024, "ok"), (1023, "weak"), (99, "missing")]
)
def test_disk(free_mb: int, level: str, tmp_path: Path) -> None:
    assert checks.check_disk(tmp_path / "not" / "yet", free_mb * MB).level == level


def test_the_real_disk_is_looked_at(tmp_path: Path) -> None:
    assert "MB free" in checks.check_disk(tmp_path / "not" / "yet").text


@pytest.mark.parametrize(("away_s", "level"), [(0, "ok"), (4, "ok"), (6, "weak"), (-6, "weak")])
def test_the_clock_agrees_with_the_databases(away_s: int, level: str) -> None:
    assert checks.check_clock(NOW, NOW + timedelta(seconds=away_s)).level == level


def test_a_clock_that_was_never_set_is_noticed() -> None:
    assert checks.check_clock(datetime(1970, 1, 1, tzinfo=UTC), None).level == "weak"
    assert checks.check_clock(datetime.now(UTC), None).level == "ok"


async def test_the_database_is_ok_once_it_is_migrated(database_url: str) -> None:
    before, _ = await checks.check_database(database_url)
    assert before.level == ("weak" if database_url.startswith("sqlite") else "missing")
    assert "codelab migrate" in before.mend
    await upgrade(database_url)
    after, clock = await checks.check_database(database_url)
    assert (after.level, clock.level) == ("ok", "ok")


async def test_a_database_that_does_not_answer_is_missing_and_its_password_is_not_told() -> None:
    found, _ = await checks.check_database("postgresql+asyncpg://ann:hunter2@127.0.0.1:1/x")
    assert found.level == "missing"
    assert "hunter2" not in str(found)


async def test_redis_is_ok_when_it_answers(redis_url: str) -> None:
    assert (await checks.check_redis(redis_url)).level == "ok"
    assert (await checks.check_redis("")).level == "ok"
    refused = redis_url.replace("redis://", "redis://:hunter2@")
    assert (await checks.check_redis(refused)).text == "does not let this user in"
    away = await checks.check_redis("redis://:hunter2@127.0.0.1:1/0")
    assert away.level == "missing"
    assert "hunter2" not in str(away)
