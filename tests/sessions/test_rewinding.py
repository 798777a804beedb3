"""Going back brings about the conversation as it was then, whatever went back before."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from codelab.sessions.events import ChangedFile, CheckpointRestored, Entry, UserMessageReceived
from codelab.sessions.rewinding import counting, in_force_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def log(*through: int | None) -> list[Entry]:
    """A log in which each number goes back to a place, and everything else is said."""
    return [
        Entry(
            seq=seq,
            epoch=1,
            turn_id="",
            at=AT,
            fact=UserMessageReceived(message_id=str(seq), text="")
            if target is None
            else CheckpointRestored(
                restoration_id=str(seq),
                checkpoint_id="c",
                through_seq=target,
                conversation=True,
            ),
        )
        for seq, target in enumerate(through, 1)
    ]


def said(entries: list[Entry]) -> list[int]:
    force = in_force_of(entries)
    messages = [one for one in entries if isinstance(one.fact, UserMessageReceived)]
    return [entry.seq for entry in counting(messages, force)]


def test_nothing_is_hidden_without_a_way_back() -> None:
    assert said(log(None, None)) == [1, 2]


def test_what_was_said_since_is_hidden_and_what_follows_is_not() -> None:
    assert said(log(None, None, None, 1, None)) == [1, 5]


def test_going_back_can_itself_be_undone() -> None:
    assert said(log(None, None, 1, None, 2)) == [1, 2]


def test_files_alone_hide_nothing() -> None:
    entries = log(None, None, 0)
    files = CheckpointRestored(
        restoration_id="r", checkpoint_id="c", through_seq=0, changes=(ChangedFile(path="a"),)
    )
    entries[2] = Entry(seq=3, epoch=1, turn_id="", at=AT, fact=files)
    assert said(entries) == [1, 2]
    assert not in_force_of(entries, files=True).holds(2)


@given(st.lists(st.none() | st.integers(0, 12), max_size=12))
def test_it_is_as_if_the_past_had_been_kept(targets: list[int | None]) -> None:
    """Keep, beside the log, what was visible after each entry, and compare."""
    past: list[list[int]] = [[]]
    possible: list[int | None] = []
    for seq, target in enumerate(targets, 1):
        if target is None or target >= seq:
            possible.append(None)
            past.append([*past[-1], seq])
        else:
            possible.append(target)
            past.append(past[target])
    assert said(log(*possible)) == past[-1]
