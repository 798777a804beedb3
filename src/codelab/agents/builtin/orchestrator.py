"""The orchestrator: chooses agents, plans and coordinates, and changes nothing itself."""

from __future__ import annotations

from codelab.agents.builtin.prompt_files import prompt
from codelab.sdk import Agent, Category, ModelRole, ToolGrant

ORCHESTRATOR = Agent(
    name="orchestrator",
    title="Orchestrator",
    description="Analyses a request, splits it into steps, hands them to other agents and "
    "gathers their results.",
    prompt=prompt("orchestrator"),
    grants=(ToolGrant(category=Category.READ),),
    model=ModelRole.REASONING,
    delegates_to=("*",),
    plans=True,
)
