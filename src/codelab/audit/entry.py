"""One entry of the audit log: bounded, on one line, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from codelab.kit.clock import utc_now
from codelab.kit.ids import new_id
from codelab.kit.log import mask, visible
from codelab.kit.request_context import RequestContext

_LONGEST_DETAIL = 500

Detail = str | int | bool | None | tuple[str, ...]


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What an event means for the record.

    Args:
        action: What happened, as `module.past_participle`.
        resource_type: The kind of thing it happened to.
        resource_id: Which one.
        user_id: Who acted, or on whose behalf.
        session_id: In which session.
        details: Names, states, digests and durations: never contents or parameters.
        address: From where, when the event itself says so.
        weighty: Whether it must be kept even while the database is long away.
    """

    action: str
    resource_type: str
    resource_id: str | None
    user_id: str | None = None
    session_id: str | None = None
    details: Mapping[str, Detail] = {}
    address: str = ""
    weighty: bool = False


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is made."""

    id: str
    timestamp: datetime
    user_id: str | None
    session_id: str | None
    action: str
    resource_type: str
    resource_id: str
    details: dict[str, Detail]
    ip_address: str
    user_agent: str


class ChainedEntry(AuditEntry, frozen=True, kw_only=True):
    """An entry as administrators read it, at its place in the chain.

    Args:
        seq: Its number; they start at 1 and have no gaps.
        hash: What the next entry is chained to.
    """

    seq: int
    hash: str


def entry_of(seen: Observation, request: RequestContext) -> AuditEntry:
    """Make an entry out of an observation and the request that it was made in."""
    return AuditEntry(
        id=new_id(),
        timestamp=utc_now(),
        user_id=_clear(seen.user_id, 64) if seen.user_id else None,
        session_id=_clear(seen.session_id, 64) if seen.session_id else None,
        action=_clear(seen.action, 64),
        resource_type=_clear(seen.resource_type, 32),
        resource_id=_clear(seen.resource_id or "", 200),
        details={name: _clear_detail(value) for name, value in seen.details.items()},
        ip_address=_clear(seen.address or request.address, 64),
        user_agent=_clear(request.user_agent, 500),
    )


def canonical(details: Mapping[str, Detail]) -> str:
    """Write details so that equal ones are equal bytes."""
    return msgspec.json.encode(details, order="deterministic").decode()


def _clear_detail(value: Detail) -> Detail:
    if isinstance(value, str):
        return _clear(value, _LONGEST_DETAIL)
    if isinstance(value, tuple):
        return tuple(_clear(part, _LONGEST_DETAIL) for part in value[:20])
    return value


def _clear(text: str, longest: int) -> str:
    # What came from outside may hold halves of surrogate pairs, which no database takes.
    whole = text[: 10 * longest].encode("utf-8", "replace").decode()
    return visible(mask(whole))[:longest]
