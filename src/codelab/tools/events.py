"""What tools did."""

from __future__ import annotations

from codelab.kit.events import Event


class ToolExecuted(Event, frozen=True, kw_only=True):
    """A tool ran, to its end or until it was cancelled, which is not `ok`.

    Args:
        digest: That of the call, as its approval has it.
    """

    session_id: str
    user_id: str
    agent: str
    tool: str
    call_id: str
    ok: bool
    duration_ms: int
    digest: str
