"""What the tests of this run could not look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest import TestReport


def line(skipped: Iterable[TestReport]) -> str:
    """Sum the skipped tests up in one line, by reason; empty when there were none."""
    reasons = Counter(_reason(report) for report in skipped)
    if not reasons:
        return ""
    parts = [f"{reason} ({_tests(count)})" for reason, count in sorted(reasons.items())]
    return f"Left out here: {'; '.join(parts)}."


def _reason(report: TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
