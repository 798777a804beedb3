"""What an event is: a fact that a module tells to whoever is interested."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, named noun + past participle."""


class EphemeralEvent(Event, frozen=True, kw_only=True):
    """An event that is not stored: who misses it learns the outcome from a durable one."""
