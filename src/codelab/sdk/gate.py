"""The gate before every protected tool, as tool execution knows it."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that has been prepared and could run.

    Args:
        call_id: The call.
        session_id: Its session.
        turn_id: Its turn.
        user_id: On whose behalf it runs.
        agent: The agent that asks.
        tool: The tool's name.
        parameters: The effective parameters as canonical JSON.
        digest: SHA-256 over tool, parameters and the state of what would be touched.
    """

    call_id: str
    session_id: str
    turn_id: str
    user_id: str
    agent: str
    tool: str
    parameters: bytes
    digest: str


class Gate(Protocol):
    """Decides whether a protected call may run, at the moment it would."""

    async def enter(self, call: Call) -> None:
        """Find the call's own approval and mark it as used, in one step.

        Raises:
            CodeLabError: There is no approval, it was for something else, or it was used before.
        """
