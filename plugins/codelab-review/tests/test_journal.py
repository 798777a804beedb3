"""Only a finished turn has reviewed what it was shown."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from codelab_review.journal import Journal


def closed(session_id: str, stop_reason: str = "end") -> SimpleNamespace:
    return SimpleNamespace(session_id=session_id, stop_reason=stop_reason)


def test_a_finished_turn_has_reviewed_what_it_was_shown() -> None:
    journal = Journal()
    journal.note("one", {"a.py": "1", "b.py": "1"})
    assert journal.reviewed("one") == {}
    journal.close_turn(closed("one"))
    journal.note("one", {"a.py": "2"})
    journal.close_turn(closed("one"))
    assert journal.reviewed("one") == {"a.py": "2", "b.py": "1"}
    assert journal.reviewed("two") == {}


@pytest.mark.parametrize("reason", ["cancelled", "error", "max_steps", "budget"])
def test_an_unfinished_turn_has_reviewed_nothing(reason: str) -> None:
    journal = Journal()
    journal.note("one", {"a.py": "1"})
    journal.close_turn(closed("one", reason))
    journal.close_turn(closed("one"))
    assert journal.reviewed("one") == {}


def test_a_turn_without_a_review_forgets_nothing() -> None:
    journal = Journal()
    journal.note("one", {"a.py": "1"})
    journal.close_turn(closed("one"))
    journal.close_turn(closed("one", "cancelled"))
    assert journal.reviewed("one") == {"a.py": "1"}


def test_the_oldest_sessions_are_forgotten() -> None:
    journal = Journal()
    for number in range(1500):
        journal.note(str(number), {"a.py": "1"})
        journal.close_turn(closed(str(number)))
    assert journal.reviewed("0") == {}
    assert journal.reviewed("1499") == {"a.py": "1"}


def test_turns_that_never_end_do_not_pile_up() -> None:
    journal = Journal()
    for number in range(1500):
        journal.note(str(number), {"a.py": "1"})
    journal.close_turn(closed("0"))
    journal.close_turn(closed("1499"))
    assert journal.reviewed("0") == {}
    assert journal.reviewed("1499") == {"a.py": "1"}
