"""The agents of this server, for edges and the composition root."""

from __future__ import annotations

import msgspec

from codelab.agents.live import Services
from codelab.agents.runner import MayAct, Runner
from codelab.workspace.api import Workspaces


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as users see it."""

    name: str
    title: str
    description: str
    model: str
    tools: tuple[str, ...]
    delegates_to: tuple[str, ...]


class Agents:
    """Lists the agents and runs their turns.

    Args:
        services: What every turn works with.
        workspaces: The projects.
        may_act: Tells whether a user, by id, still may; whose turns end otherwise.
    """

    def __init__(
        self, services: Services, workspaces: Workspaces, may_act: MayAct | None = None
    ) -> None:
        self._services = services
        self._runner = Runner(services, workspaces, may_act=may_act)

    def list(self) -> tuple[AgentInfo, ...]:
        """Return all agents."""
        return tuple(
            AgentInfo(
                name=agent.name,
                title=agent.title,
                description=agent.description,
                model=agent.model,
                tools=tuple(spec.name for spec in self._services.tools.specs_for(agent)),
                delegates_to=agent.delegates_to,
            )
            for agent in self._services.agents.all()
        )

    @property
    def running_turns(self) -> int:
        """How many turns are carried forward here right now."""
        return self._runner.running

    async def start(self) -> None:
        """Begin to carry turns forward."""
        await self._runner.start(self._services.bus)

    async def close(self) -> None:
        """Let running turns finish, hand over the rest."""
        await self._runner.close()
