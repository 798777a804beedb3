"""The chain, without a database: whatever is done to its rows without the key shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.audit.chain import (
    ATTESTED,
    Head,
    Progress,
    Row,
    audit_signer,
    chain,
    conclude,
    digest,
    follow,
)
from codelab.audit.entry import Observation, entry_of
from codelab.audit.errors import ChainBroken
from codelab.kit.crypto import Signer
from codelab.kit.request_context import RequestContext

OLD, NEW = "the first secret of the installation", "the second secret of the installation"
SIGNER = audit_signer([OLD])


def made(count: int, head: Head | None = None, signer: Signer = SIGNER) -> list[Row]:
    entries = [
        entry_of(
            Observation(
                action="a.b",
                resource_type="t",
                resource_id=f"é\u2028{number}",
                user_id="u" if number % 2 else None,
                details={"n": number, "text": 'quote " and \\'},
            ),
            RequestContext(address="192.0.2.7", user_agent="Mozilla"),
        )
        for number in range(count)
    ]
    return chain(entries, head or Head(), signer)


def attested(head: Head, signer: Signer) -> list[Row]:
    seen = Observation(action=ATTESTED, resource_type="audit_log", resource_id=str(head))
    return chain([entry_of(seen, RequestContext())], head, signer)


def end(rows: Sequence[Row]) -> Head:
    return Head(rows[-1].seq, rows[-1].hash)


def verified(
    rows: Sequence[Row],
    head: Head,
    signer: Signer = SIGNER,
    noted: Head | None = None,
    known: int = 0,
) -> Progress:
    progress = Progress()
    for row in rows:
        progress = follow(progress, row, signer, noted)
    conclude(progress, head, noted, known)
    return progress


def breaks(
    rows: Sequence[Row], head: Head, signer: Signer = SIGNER, noted: Head | None = None
) -> str:
    with pytest.raises(ChainBroken) as caught:
        verified(rows, head, signer, noted)
    return caught.value.message


def unsigned(rows: Sequence[Row]) -> list[Row]:
    return [msgspec.structs.replace(row, signature="") for row in rows]


def rehashed(rows: Sequence[Row], head: Head | None = None) -> list[Row]:
    """Chain rows anew, as somebody does who has no key."""
    head, found = head or Head(), []
    for row in rows:
        changed = msgspec.structs.replace(row, seq=head.seq + 1, previous_hash=head.hash)
        changed = msgspec.structs.replace(changed, hash=digest(changed))
        head = Head(changed.seq, changed.hash)
        found.append(changed)
    return found


FIVE = made(5)

OTHERS: dict[str, st.SearchStrategy[Any]] = {
    name: st.text(max_size=40) for name in Row.__struct_fields__
} | {
    "user_id": st.none() | st.text(max_size=40),
    "session_id": st.none() | st.text(max_size=40),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
    "seq": st.integers(-(2**63), 2**63 - 1),
}


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_chain_that_nobody_touched_is_intact_wherever_batches_end(one: int, other: int) -> None:
    rows = made(one)
    head = end(rows) if rows else Head()
    rows += made(other, head)
    progress = verified(rows, end(rows) if rows else Head())
    assert (progress.head.seq, progress.unsigned, progress.doubt) == (one + other, 0, "")
    assert [row.seq for row in rows] == list(range(1, one + other + 1))


@given(st.integers(0, 4), st.sampled_from(Row.__struct_fields__), st.data())
def test_any_changed_field_shows(at: int, name: str, data: st.DataObject) -> None:
    value = data.draw(OTHERS[name].filter(lambda value: value != getattr(FIVE[at], name)))
    rows = list(FIVE)
    rows[at] = msgspec.structs.replace(rows[at], **{name: value})
    if (at, name, value) == (0, "signature", ""):
        # As if it were from before the chain: whoever verifies says how many those may be.
        assert verified(rows, end(FIVE), known=1).unsigned == 1
    breaks(rows, end(FIVE))
    # Also where the rows are read in the order of their numbers.
    breaks(sorted(rows, key=lambda row: row.seq), end(FIVE))


@given(st.integers(0, 4), st.sampled_from(Row.__struct_fields__), st.data())
def test_it_shows_too_when_all_hashes_were_computed_anew(
    at: int, name: str, data: st.DataObject
) -> None:
    if name in ("seq", "previous_hash", "hash", "signature"):
        name = "action"
    value = data.draw(OTHERS[name].filter(lambda value: value != getattr(FIVE[at], name)))
    rows = list(FIVE)
    rows[at] = msgspec.structs.replace(rows[at], **{name: value})
    forged = rehashed(rows)
    message = breaks(forged, end(forged))
    assert message.startswith(f"Entry {at + 1} (") and "no configured key" in message


@given(st.integers(0, 4))
def test_a_removed_row_shows(at: int) -> None:
    rows = FIVE[:at] + FIVE[at + 1 :]
    assert f"ntry {at + 1} is missing" in breaks(rows, end(FIVE))
    forged = rehashed(rows)
    if at < 4:
        assert "no configured key" in breaks(forged, end(forged))


@given(st.permutations(range(5)).filter(lambda order: order != [0, 1, 2, 3, 4]))
def test_rows_that_changed_places_show(order: list[int]) -> None:
    assert "missing" in breaks([FIVE[at] for at in order], end(FIVE)) or order[0] == 0
    numbered = [msgspec.structs.replace(FIVE[at], seq=seq) for seq, at in enumerate(order, start=1)]
    first = next(seq for seq, at in enumerate(order, start=1) if at != seq - 1)
    assert breaks(numbered, end(FIVE)).startswith(f"Entry {first} (")
    forged = rehashed(numbered)
    assert breaks(forged, end(forged)).startswith(f"Entry {first} (")


@given(st.integers(0, 4))
def test_a_tail_that_was_cut_off_shows_by_the_head(kept: int) -> None:
    message = breaks(FIVE[:kept], end(FIVE))
    assert message.startswith(f"Entry {kept + 1} is missing")
    assert "entry 5 was written" in message


@given(st.integers(1, 4))
def test_a_tail_that_was_cut_off_with_the_head_shows_by_a_head_noted_earlier(kept: int) -> None:
    rows = FIVE[:kept]
    verified(rows, end(rows))
    assert "entry 5 was noted" in breaks(rows, end(rows), noted=end(FIVE))
    grown = rows + made(5, end(rows))
    verified(grown, end(grown))
    assert breaks(grown, end(grown), noted=end(FIVE)).startswith("Entry 5 (")
    verified(grown, end(grown), noted=end(rows))


def test_a_head_that_was_set_back_or_is_another_shows() -> None:
    for head in (end(FIVE[:3]), Head(5, FIVE[3].hash), Head()):
        assert "its writers have left it at" in breaks(FIVE, head)


def test_rows_that_were_put_in_show() -> None:
    (forged,) = rehashed(unsigned(made(1)), end(FIVE))
    assert "Entry 6 (" in breaks([*FIVE, forged], end([forged]))
    foreign = made(1, end(FIVE), audit_signer(["somebody else's secret"]))
    assert "Entry 6 (" in breaks([*FIVE, *foreign], end(foreign))
    before = msgspec.structs.replace(FIVE[0], id="other", seq=0)
    assert "was put in" in breaks([before, *FIVE], end(FIVE))


def test_the_message_names_the_row_on_one_line() -> None:
    row = msgspec.structs.replace(FIVE[0], id="x\n\x1b[2J", action="other")
    row = msgspec.structs.replace(row, timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    message = breaks([row], end([row]))
    assert message.startswith("Entry 1 (x\\u000a\\u001b[2J, 2026-01-02 03:04:05 UTC) was changed")


def test_rows_from_before_the_chain_are_counted_and_vouched_for_by_what_follows() -> None:
    old = unsigned(made(3))
    assert verified(old, end(old), known=3).unsigned == 3
    assert breaks(old, end(old)).startswith("Nobody signed the first 3 entries.")
    rows = old + made(2, end(old))
    assert verified(rows, end(rows), known=3).unsigned == 3
    rows[1] = msgspec.structs.replace(rows[1], action="other")
    assert breaks(rows, end(rows)).startswith("Entry 2 (")
    forged = rehashed(rows)
    assert breaks(forged, end(forged)).startswith("Entry 4 (")


def test_a_row_behind_a_signed_one_cannot_pass_as_one_from_before() -> None:
    rows = FIVE[:4] + unsigned(FIVE[4:])
    assert "Entry 5 (" in breaks(rows, end(rows))


def test_a_former_key_verifies_what_it_signed() -> None:
    rows = FIVE + made(2, end(FIVE), audit_signer([NEW, OLD]))
    verified(rows, end(rows), audit_signer([NEW, OLD]))
    assert "CODELAB_SECRET_KEYS_PREVIOUS" in breaks(rows, end(rows), audit_signer([NEW]))
    assert "Entry 6 (" in breaks(rows, end(rows), audit_signer([OLD]))


def test_behind_an_attestation_the_former_key_is_not_needed() -> None:
    both, alone = audit_signer([NEW, OLD]), audit_signer([NEW])
    rows = FIVE + attested(end(FIVE), both)
    rows += made(2, end(rows), both)
    verified(rows, end(rows), alone)
    forged = list(rows)
    forged[2] = msgspec.structs.replace(rows[2], action="other")
    assert "Entry 3 (" in breaks(forged, end(forged), alone)
    forged = rehashed(forged)
    assert "Entry 1 (" in breaks(forged, end(forged), alone)


def test_behind_an_attestation_the_former_key_signs_nothing_any_more() -> None:
    both = audit_signer([NEW, OLD])
    rows = FIVE + attested(end(FIVE), both)
    for late in (made(1, end(rows)), attested(end(rows), SIGNER)):
        assert "Entry 7 (" in breaks([*rows, *late], end(late), both)
    # When the key is replaced once more, the one that attested then is a former one, and counts.
    rows += made(1, end(rows), both)
    verified(rows, end(rows), audit_signer(["a third secret that is long enough", NEW, OLD]))


def test_nobody_attests_without_the_key() -> None:
    for attestation in (
        attested(end(FIVE), audit_signer(["somebody else's secret"])),
        unsigned(attested(end(FIVE), SIGNER)),
    ):
        rows = [*FIVE, *attestation]
        breaks(rows, end(rows), audit_signer([NEW]))


def test_what_is_hashed_is_what_the_documentation_says() -> None:
    row = FIVE[1]
    moment = row.timestamp.astimezone(UTC)
    said = {
        "action": row.action,
        "details": row.details,
        "id": row.id,
        "ip_address": row.ip_address,
        "previous_hash": FIVE[0].hash,
        "resource_id": row.resource_id,
        "resource_type": row.resource_type,
        "seq": 2,
        "session_id": row.session_id,
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}+00:00",
        "user_agent": row.user_agent,
        "user_id": row.user_id,
    }
    text = json.dumps(said, separators=(",", ":"))
    assert row.hash == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_the_same_moment_in_another_zone_has_the_same_hash() -> None:
    row = FIVE[0]
    moved = (row.timestamp + timedelta()).astimezone(tz=None)
    assert digest(msgspec.structs.replace(row, timestamp=moved)) == row.hash
