"""What the module is told when it is built."""

from __future__ import annotations

from pathlib import Path

import msgspec


class HitlSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of approvals.

    Args:
        timeout_s: How long a request waits for an answer.
        warning_s: How long before its end a warning is due; never before half of the time.
        requests_per_hour: How many requests each user's agents may make.
        policy_file: Where the server's rules come from, absolute; none when there are none.
    """

    timeout_s: float = 300.0
    warning_s: float = 60.0
    requests_per_hour: int = 50
    policy_file: Path | None = None
