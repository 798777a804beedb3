"""What this distribution brings to CodeLab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codelab.sdk import Agent, Subscription, Tool, hookimpl
from codelab_review.agent import REVIEWER
from codelab_review.journal import Journal
from codelab_review.tool import ReviewChanges

# The tool notes what it showed; the subscriber learns whether the turn came to its end.
_JOURNAL = Journal()


@hookimpl
def register_agents() -> Sequence[Agent]:
    """Return the reviewer."""
    return (REVIEWER,)


@hookimpl
def register_tools() -> Sequence[Tool[Any]]:
    """Return the tool that gathers changes."""
    return (ReviewChanges(_JOURNAL),)


@hookimpl
def register_subscribers() -> Sequence[Subscription]:
    """Return the journal's wish to know how turns end."""
    return (Subscription(event="TurnClosed", handler=_JOURNAL.close_turn),)
