"""The chain that makes changes to the audit log show, as pure functions over rows.

Each row has a number without gaps, the hash of the row before it, a hash of itself with both, and
a signature of that hash. Anybody can recompute the hashes; only who has the installation's key can
sign them. So a change somewhere breaks a hash there, or a signature there if the hashes after it
were computed anew. What the chain cannot show by itself is that its last rows were cut off together
with the head: that needs a head that was noted elsewhere.

When the secret key is replaced, new rows are signed with the new one and former keys still verify
theirs. An attestation is a row that is written after all before it were verified; behind one, the
keys of those rows are not needed any more. `codelab secret --rotate` writes one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from codelab.audit.entry import AuditEntry, canonical
from codelab.audit.errors import ChainBroken
from codelab.kit.crypto import Signer
from codelab.kit.log import visible

ATTESTED = "audit.attested"

_NOTHING = "0" * 64
_NOT_COVERED = ("hash", "signature")
_canonical = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode


class Head(msgspec.Struct, frozen=True):
    """The last row's number and hash; of an empty chain to begin with."""

    seq: int = 0
    hash: str = _NOTHING

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is stored.

    Args:
        details: Canonical JSON, so that its bytes are the same wherever it was stored.
        signature: Of the hash; empty for rows from before there was a chain.
    """

    id: str
    timestamp: datetime
    user_id: str | None
    session_id: str | None
    action: str
    resource_type: str
    resource_id: str
    details: str
    ip_address: str
    user_agent: str
    seq: int
    previous_hash: str
    hash: str = ""
    signature: str = ""

    def __str__(self) -> str:
        moment = self.timestamp.astimezone(UTC)
        return f"entry {self.seq} ({visible(self.id)}, {moment:%Y-%m-%d %H:%M:%S} UTC)"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a chain was verified.

    Args:
        head: Up to here.
        last: The last row, in words.
        unsigned: How many rows, all of them at the start, nobody signed: they are from before the
            chain, and the first signed row vouches for them as it found them.
        doubt: What is wrong with the first row whose signature no key made, while no later
            attestation vouches for it.
        oldest_key: The place of the oldest key that may still sign: the one that attested last.
    """

    head: Head = Head()
    last: str = ""
    unsigned: int = 0
    doubt: str = ""
    oldest_key: int | None = None


def audit_signer(secrets: Sequence[str]) -> Signer:
    """Return what signs the chain.

    Args:
        secrets: The installation's secrets, the one for new rows first.
    """
    return Signer(secrets, "audit")


def chain(entries: Iterable[AuditEntry], head: Head, signer: Signer) -> list[Row]:
    """Make the rows that follow a head."""
    rows = []
    for entry in entries:
        fields = msgspec.structs.asdict(entry) | {"details": canonical(entry.details)}
        row = Row(**fields, seq=head.seq + 1, previous_hash=head.hash)
        head = Head(row.seq, digest(row))
        rows.append(msgspec.structs.replace(row, hash=head.hash, signature=signer.sign(head.hash)))
    return rows


def digest(row: Row) -> str:
    """Compute a row's hash: SHA-256 over all that it says, as one canonical JSON object."""
    covered = msgspec.structs.asdict(row)
    for name in _NOT_COVERED:
        del covered[name]
    covered["timestamp"] = row.timestamp.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()


def follow(progress: Progress, row: Row, signer: Signer, noted: Head | None = None) -> Progress:
    """Verify the next row.

    Args:
        progress: How far the chain was verified.
        row: The next row by number.
        signer: Knows the keys.
        noted: A head of this chain that was noted earlier.

    Raises:
        ChainBroken: Names the row and says what is wrong with it.
    """
    head = progress.head
    if row.seq <= head.seq:
        raise _broken(row, "was put in: entries are numbered from 1")
    if row.seq != head.seq + 1:
        raise ChainBroken(
            f"Entry {head.seq + 1} is missing: after {progress.last or 'the start'} comes {row}."
        )
    if digest(row) != row.hash:
        raise _broken(row, "was changed: its hash is that of something else")
    if row.previous_hash != head.hash:
        raise _broken(row, "does not follow from the one before it: one of them was replaced")
    if noted and noted.seq == row.seq and noted.hash != row.hash:
        raise _broken(row, f"is not the one that was noted: its hash is {row.hash}")
    begun = progress.unsigned < head.seq
    if not row.signature and begun:
        raise _broken(row, "is not signed: it was changed or put in")
    doubt = progress.doubt
    key = signer.signed(row.hash, row.signature, oldest=progress.oldest_key)
    oldest_key = progress.oldest_key
    if row.signature and key is None:
        doubt = doubt or (
            f"{_capital(row)} is signed with no configured key: it was changed, or its former key "
            "is missing from CODELAB_SECRET_KEYS_PREVIOUS."
        )
    elif row.action == ATTESTED and row.signature:
        doubt, oldest_key = "", key
    return Progress(
        head=Head(row.seq, row.hash),
        last=str(row),
        unsigned=progress.unsigned + (not row.signature),
        doubt=doubt,
        oldest_key=oldest_key,
    )


def conclude(progress: Progress, head: Head, noted: Head | None = None, unsigned: int = 0) -> None:
    """See that the chain ends where it should.

    Args:
        progress: The chain, verified to its end.
        head: What the writers keep as its head.
        noted: A head that was noted earlier.
        unsigned: How many of the first rows are known to be from before the chain.

    Raises:
        ChainBroken: Rows were cut off, put in at the end, or are signed by nobody we know.
    """
    end = progress.last or "the start"
    for further, what in ((noted, "was noted"), (head, "was written")):
        if further and further.seq > progress.head.seq:
            raise ChainBroken(
                f"Entry {progress.head.seq + 1} is missing: the log ends with {end}, but entry "
                f"{further.seq} {what}."
            )
    if head != progress.head:
        raise ChainBroken(f"The log ends with {end}, but its writers have left it at {head}.")
    if progress.doubt:
        raise ChainBroken(progress.doubt)
    if progress.unsigned > unsigned:
        # Who has the database can take signatures away, and compute all hashes anew.
        raise ChainBroken(
            f"Nobody signed the first {progress.unsigned} entries. If so many were there before "
            f"the chain, say --unsigned {progress.unsigned}; otherwise they were put in."
        )


def _broken(row: Row, what: str) -> ChainBroken:
    return ChainBroken(f"{_capital(row)} {what}.")


def _capital(row: Row) -> str:
    text = str(row)
    return text[0].upper() + text[1:]
