"""Lines in the server's terminal when an approval waits."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from codelab.cli.notices import Notices
from codelab.hitl.events import ApprovalExpiring, ApprovalRequested
from codelab.kit.bus import Bus
from codelab.plugins import Source, assemble

APPROVAL: dict[str, Any] = {
    "approval_id": "a",
    "session_id": "s1",
    "turn_id": "t",
    "call_id": "c",
    "user_id": "u",
    "agent": "coder",
    "tool": "write_file\x1b[2J",
    "expires_at": datetime(2030, 1, 1, 12, 34, 56, tzinfo=UTC),
}


def test_it_hears_through_the_hook_and_controls_no_terminal() -> None:
    out, bus = io.StringIO(), Bus()
    notices = Notices(out, "http://127.0.0.1:9")
    source = Source(name="notices", distribution="codelab", version="1", plugin=notices)
    assemble([source]).subscribe(bus)
    bus.publish(ApprovalRequested(**APPROVAL, risk="high", digest="d"))
    bus.publish(ApprovalExpiring(**APPROVAL))
    assert not bus.failures
    first, second = out.getvalue().splitlines()
    assert "coder wants write_file\\u001b[2J (high risk)" in first
    assert first.endswith("codelab chat --session s1 --server http://127.0.0.1:9")
    assert "12:34:56" in second
