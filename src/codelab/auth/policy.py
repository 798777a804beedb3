"""The rules of identity as pure decisions over values."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from codelab.auth.errors import LastAdministrator
from codelab.kit.errors import InvalidInput

LONGEST_NAME = 64
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024

NAME_RULE = (
    "A user name has 1 to 64 letters, digits or . _ - + @ and begins with a letter or a digit."
)
STRENGTH_RULE = "A password has 10 to 1024 characters and is not the user name."

THROTTLE_WINDOW = timedelta(minutes=1)
# One address may not lock a user out everywhere, and one user's typing errors may not lock out a
# whole office: that is why the count for both together is the lowest.
FAILURES_PER_NAME_AND_PLACE = 8
FAILURES_PER_PLACE = 15
FAILURES_PER_NAME = 30

_NAME_EXTRAS = frozenset("._-+@")


class Failure(msgspec.Struct, frozen=True):
    """A sign-in that failed: which name (as a mark, not in the clear), from where, when."""

    subject: str
    place: str
    at: datetime


def clean_name(name: str) -> str:
    """Return the name as it is kept and shown.

    Raises:
        InvalidInput: It is no good user name.
    """
    normal = unicodedata.normalize("NFKC", name) if len(name) <= LONGEST_NAME else ""
    sane = all(letter.isalnum() or letter in _NAME_EXTRAS for letter in normal)
    if not 1 <= len(normal) <= LONGEST_NAME or not sane or not normal[0].isalnum():
        raise InvalidInput(NAME_RULE, field="username")
    return normal


def name_key(name: str) -> str:
    """Return what two spellings of the same name have in common."""
    key = name
    for _ in range(2):
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())
    return key


def check_password(password: str, name: str) -> None:
    """Refuse a weak password.

    Raises:
        InvalidInput: It is too short, too long, or the user name; the message does not repeat it.
    """
    fits = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    if not fits or name_key(password) == name_key(name):
        raise InvalidInput(STRENGTH_RULE, field="password")


def throttled_s(
    failures: Sequence[Failure], subject: str, place: str, now: datetime, *, familiar: bool
) -> float:
    """Decide for how many seconds this name may not be tried from this place; 0 is not at all.

    Args:
        failures: At least those of the last minute that share the name or the place.
        subject: The name's mark.
        place: Where the sign-in comes from.
        now: The time on the clock that stamped the failures.
        familiar: Whether this user has signed in from this place before. Then neither what
            others do there nor what strangers elsewhere do to this name keeps the user out.
    """
    recent = [failure for failure in failures if failure.at > now - THROTTLE_WINDOW]
    by_name = [failure.at for failure in recent if failure.subject == subject]
    by_place = [failure.at for failure in recent if failure.place == place]
    by_both = [
        failure.at for failure in recent if failure.subject == subject and failure.place == place
    ]
    waits = [_wait_s(by_both, FAILURES_PER_NAME_AND_PLACE, now)]
    if not familiar:
        waits.append(_wait_s(by_name, FAILURES_PER_NAME, now))
        waits.append(_wait_s(by_place, FAILURES_PER_PLACE, now))
    return max(waits)


def keep_an_administrator(admin_ids: Collection[str], leaving_id: str) -> None:
    """Refuse to take the last administrator away.

    Args:
        admin_ids: All administrators who can sign in.
        leaving_id: The user who will not be one of them any more.

    Raises:
        LastAdministrator: There is no other.
    """
    if set(admin_ids) == {leaving_id}:
        raise LastAdministrator(
            "This is the only administrator. Make another user an administrator first."
        )


def _wait_s(moments: list[datetime], limit: int, now: datetime) -> float:
    if len(moments) < limit:
        return 0.0
    # A try is free again as soon as fewer than `limit` failures are left in the window.
    leaving = sorted(moments)[len(moments) - limit]
    return (leaving + THROTTLE_WINDOW - now).total_seconds()
