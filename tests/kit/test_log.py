import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from codelab.kit import log

SECRETS = [
    "sk-proj-0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ghp_0123456789abcdefghij0123456789abcdef",
    "hunter2-of-the-database",
]


class Records:
    """The configured log while a test runs; the process's own logging comes back afterwards."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    @contextmanager
    def written(self, style: str = "json") -> Iterator[None]:
        root = logging.getLogger()
        before, level, raising = root.handlers[:], root.level, logging.raiseExceptions
        log.configure("debug", style=style)
        try:
            yield
        finally:
            root.handlers[:] = before
            root.setLevel(level)
            logging.raiseExceptions = raising

    def text(self) -> str:
        return self._capsys.readouterr().err


@pytest.fixture
def records(capsys: pytest.CaptureFixture[str]) -> Records:
    return Records(capsys)


def one_record(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    record: dict[str, Any] = json.loads(line)
    return record


def test_a_record_is_one_json_object_with_level_time_and_logger(records: Records) -> None:
    with records.written():
        structlog.get_logger("codelab.some.module").info("thing_happened", count=3, tokens=12)
    record = one_record(records.text())
    assert record["event"] == "thing_happened"
    assert record["level"] == "info"
    assert record["logger"] == "codelab.some.module"
    assert record["timestamp"].endswith("Z")
    assert record["count"] == 3
    assert record["tokens"] == 12


def test_secrets_are_masked_by_name_and_by_form_at_any_depth(records: Records) -> None:
    with records.written():
        structlog.get_logger().warning(
            f"provider said: bad key {SECRETS[0]}",
            password=SECRETS[3],
            headers={
                "Authorization": f"Bearer {SECRETS[1]}",
                "nested": [{"x-api-key": SECRETS[3]}],
            },
            address=f"postgresql://codelab:{SECRETS[3]}@db/codelab",
            cache=f"redis://:{SECRETS[3]}@cache/0",
            sentence=f'clone with token={SECRETS[3]} or {{"api_key": "{SECRETS[3]}"}}',
            forge=SECRETS[2],
        )
    text = records.text()
    assert not [secret for secret in SECRETS if secret in text]
    assert "bad key [secret]" in text
    assert "@db/codelab" in text


def test_other_libraries_records_are_masked_as_well(records: Records) -> None:
    with records.written():
        logging.getLogger("some.library").error("login failed with %s", SECRETS[0])
    record = one_record(records.text())
    assert record["event"] == "login failed with [secret]"


def test_a_trace_is_masked_and_stays_on_one_line(records: Records) -> None:
    with records.written():
        try:
            raise ValueError(f"cannot reach https://me:{SECRETS[3]}@example.org")
        except ValueError:
            structlog.get_logger().exception("it_failed")
    text = records.text()
    record = one_record(text)
    assert "ValueError" in record["exception"]
    assert SECRETS[3] not in text


def test_ordinary_words_are_not_taken_for_secrets() -> None:
    for text in ("risk-assessments", "the task-management board", "tokens are counted", "a: b"):
        assert log.mask(text) == text


@pytest.mark.parametrize(
    "header",
    [
        "Mozilla\r\n2026-01-01 INFO forged line",
        "\x1b[31mred\x1b[0m",
        "A" * 1_000_000,
        "\u202eevil\u2066",
        "Bearer " + "B" * 1_000_000,
    ],
)
def test_a_hostile_header_makes_one_escaped_bounded_record(records: Records, header: str) -> None:
    with records.written():
        structlog.get_logger().info("request_handled", user_agent=header)
    text = records.text()
    assert text.count("\n") == 1
    assert len(text) < 5000
    value = one_record(text)["user_agent"]
    assert not [character for character in value if not character.isprintable()]
    assert "B" * 20 not in value


def test_a_hostile_structure_is_bounded_too(records: Records) -> None:
    with records.written():
        structlog.get_logger().info("many", values=["x" * 3000] * 10_000, pairs={"k": "v\r\n"})
    text = records.text()
    record = one_record(text)
    assert len(record["values"]) <= 50
    assert len(text) < 150_000
    assert record["pairs"] == {"k": "v\\u000d\\u000a"}


@given(st.text(max_size=300))
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    cleaned = log.clean(None, "info", {"event": text})
    assert len(str(cleaned["event"]).splitlines()) <= 1


def test_the_console_form_is_one_line_as_well(records: Records) -> None:
    with records.written(style="console"):
        structlog.get_logger().info("shown", value="one\ntwo")
    text = records.text()
    assert text.count("\n") == 1
    # Colours are for terminals.
    assert "\x1b" not in text


def test_a_logger_in_use_is_still_reached_after_it_is_configured_anew(records: Records) -> None:
    logger = structlog.get_logger("codelab.some.module")
    with records.written():
        logger.info("first")
        log.configure("debug")
        with structlog.testing.capture_logs() as captured:
            logger.info("second")
    assert [record["event"] for record in captured] == ["second"]
