"""What goes into a review of a call and what comes out; how an edited call is described."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from codelab.hitl.approval import ApprovalRecord
from codelab.hitl.policy import Subject
from codelab.sdk.facts import CallFacts
from codelab.sdk.gate import Call
from codelab.sessions.events import Question


class ReviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A prepared call, as policy and people see it.

    Args:
        call: The call.
        risk: How much harm its tool can do.
        protected: Whether its tool asks by default.
        gated: Whether it passes the gate even when nobody is asked.
        question: Whether it may run, or run again.
        again: Whether it was reviewed before.
        preview: What a human needs to judge it.
        paths: The paths that it would touch.
        command: The command line that it would run, if any.
        raised: Whether it can do more harm than its tool usually does.
        workspace_id: The workspace that it is for.
        root: The workspace's folder.
        facts: What is known of the call.
    """

    call: Call
    risk: str
    protected: bool
    gated: bool
    question: Question = "run"
    again: bool = False
    preview: str = ""
    paths: tuple[str, ...] = ()
    command: str | None = None
    raised: bool = False
    workspace_id: str
    root: str | None = None
    facts: CallFacts = CallFacts()

    @property
    def subject(self) -> Subject:
        """What the rules look at."""
        return Subject(
            tool=self.call.tool,
            protected=self.protected,
            paths=self.paths,
            command=self.command,
            root=self.root,
            raised=self.raised,
        )


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """The call may run now."""


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """The call may not run; the reason is for the agent."""

    reason: str


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A human was asked; the reason is the rule's, if there is one."""

    approval_id: str
    reason: str = ""
    expires_at: datetime
    facts: CallFacts = CallFacts()


Review = Allowed | Denied | Pending


class EditedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call with the parameters that a human gave it, prepared and granted anew.

    Args:
        subject: What the rules look at.
        diff: What the human changed of what the agent wanted.
    """

    parameters: dict[str, Any]
    digest: str
    preview: str
    subject: Subject
    diff: str = ""


Redigest = Callable[[ApprovalRecord, dict[str, Any]], Awaitable[EditedCall]]
"""Prepares an approval's call anew, with these parameters, as its agent would.

It raises a CodeLabError when the call cannot work or its agent may not make it.
"""
