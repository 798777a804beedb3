"""What every fact of a session's log has in common."""

from __future__ import annotations

import msgspec

ROOT_TASK = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """A stored fact. `task_id` is empty for the turn itself, else the delegating call's id."""
