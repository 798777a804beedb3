"""The agents that this server offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from codelab.agents.errors import AgentUnknown
from codelab.sdk.agent import Agent

ORCHESTRATOR = "orchestrator"


class AgentRegistry:
    """Finds agents by name, with an administrator's own prompts in place of the built-in ones.

    Args:
        agents: All agents, with unique names.
        prompts: Prompts that replace an agent's own, by agent name.
    """

    def __init__(self, agents: Iterable[Agent], prompts: Mapping[str, str] | None = None) -> None:
        overrides = prompts or {}
        self._agents = {
            agent.name: msgspec.structs.replace(
                agent, prompt=overrides.get(agent.name, agent.prompt)
            )
            for agent in agents
        }

    def get(self, name: str) -> Agent:
        """Return the agent of this name.

        Raises:
            AgentUnknown: There is none.
        """
        agent = self._agents.get(name)
        if agent is None:
            known = ", ".join(sorted(self._agents))
            raise AgentUnknown(f"There is no agent {name!r}; there are {known}.", field="agent")
        return agent

    def all(self) -> tuple[Agent, ...]:
        """Return all agents in the order of their registration."""
        return tuple(self._agents.values())
