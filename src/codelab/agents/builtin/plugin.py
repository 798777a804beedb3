"""Offers the built-in agents through the same hook as any plugin."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.agents.builtin.architect import ARCHITECT
from codelab.agents.builtin.ask import ASK
from codelab.agents.builtin.coder import CODER
from codelab.agents.builtin.debug import DEBUG
from codelab.agents.builtin.orchestrator import ORCHESTRATOR
from codelab.sdk import Agent, hookimpl


@hookimpl
def register_agents() -> Sequence[Agent]:
    """Return the five built-in agents."""
    return (ORCHESTRATOR, CODER, ARCHITECT, DEBUG, ASK)
