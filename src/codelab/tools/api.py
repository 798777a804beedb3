"""The one place where tools are prepared and run; what other modules may call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from codelab.kit.bus import Bus
from codelab.kit.clock import monotonic_ms
from codelab.kit.ratelimit import RateLimiter
from codelab.sdk.agent import Agent
from codelab.sdk.facts import CallFacts
from codelab.sdk.gate import Call, Gate
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import ToolSpec
from codelab.sdk.tool import Category, Proposal, Risk, Tool, ToolContext, ToolResult
from codelab.tools import arguments, execution
from codelab.tools.errors import ApprovalRequired, ApprovalStale, ToolNotGranted
from codelab.tools.events import ToolExecuted
from codelab.tools.execution import bounded
from codelab.tools.registry import Registry
from codelab.workspace.api import FILE_OPERATIONS, reveal

__all__ = ["PreparedCall", "Tools", "bounded"]


class PreparedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was checked, and what exactly it would do.

    Args:
        call: What an approval is bound to.
        tool: The tool.
        agent: The agent that asks.
        parameters: The effective parameters.
        preview: What a human needs to judge it, with what is invisible made visible.
        facts: The same as data, where the tool tells them.
        state: The state of what would be touched.
        risk: How much harm it can do.
        protected: Whether a human is asked by default.
        raised: Whether it can do more harm than its tool usually does.
        gated: Whether it passes the gate: what is protected, and what must not be repeated, so
            that it is marked as started before it runs.
        paths: The paths that it would touch, in plain form.
        command: The shell command that it would run, where there is one.
    """

    call: Call
    tool: Tool[Any]
    agent: Agent
    parameters: msgspec.Struct
    preview: str
    state: str
    risk: Risk
    protected: bool
    gated: bool
    raised: bool = False
    paths: tuple[str, ...] = ()
    command: str | None = None
    facts: CallFacts = CallFacts()


class Tools:
    """Every tool of this server, behind the gate.

    Args:
        gate: Admits protected calls; without one, none of them runs.
        limiter: Counts file operations per user.
        bus: Is told of each execution.
        file_operations_per_hour: How many calls that touch files a user has.
    """

    def __init__(
        self,
        *,
        gate: Gate | None,
        limiter: RateLimiter,
        bus: Bus,
        file_operations_per_hour: int = 1000,
    ) -> None:
        self._gate = gate
        self._limiter = limiter
        self._bus = bus
        self._file_operations = file_operations_per_hour
        self._registry = Registry()

    def register(self, tools: Sequence[Tool[Any]]) -> None:
        """Take tools in.

        Raises:
            ToolInvalid: A name is taken, or a tool is incomplete.
        """
        self._registry.register(tools)

    def get(self, name: str) -> Tool[Any]:
        """Return a tool.

        Raises:
            ToolUnknown: There is none.
        """
        return self._registry.get(name)

    def all(self) -> tuple[Tool[Any], ...]:
        """Return every tool."""
        return self._registry.all()

    def may_write(self, agent: Agent) -> bool:
        """Tell whether an agent is granted any tool that writes; else its commands must not."""
        return any(
            agent.may_use(tool.name, tool.category)
            for tool in self._registry.all()
            if tool.category is Category.WRITE
        )

    def specs_for(self, agent: Agent) -> tuple[ToolSpec, ...]:
        """Return the tools that an agent may use, as its model sees them."""
        return tuple(
            self._registry.spec(tool.name)
            for tool in self._registry.all()
            if agent.may_use(tool.name, tool.category)
        )

    async def prepare(
        self, call: ToolCall, agent: Agent, context: ToolContext, turn_id: str
    ) -> PreparedCall:
        """Check a model's call and find out what exactly it would do.

        Raises:
            ToolUnknown: There is no such tool.
            ToolNotGranted: The agent may not use it, or not on this path.
            ToolArgumentsInvalid: The arguments do not fit; names each wrong field.
            ToolError: The call cannot work.
        """
        tool = self._registry.get(call.name)
        _check_grant(agent, tool, ())
        parameters = arguments.decode(tool.name, call.arguments, tool.parameters)
        call_of = (call.id, turn_id)
        return await self._prepare(call_of, tool, agent, parameters, context)

    async def execute(self, prepared: PreparedCall, context: ToolContext) -> ToolResult:
        """Run a prepared call: the only way to a tool, and the gate is in it.

        Failures of the tool are results. What is raised means that it did not run.

        Raises:
            ToolNotGranted: The agent may not use it.
            ApprovalStale: What it would touch changed since it was prepared.
            ApprovalRequired: It is protected and there is no gate.
            RateLimited: The user's file operations are used up.
            CodeLabError: The gate refuses.
        """
        tool, call = prepared.tool, prepared.call
        _check_grant(prepared.agent, tool, prepared.paths)
        gated = prepared.gated or _is_gated(tool)
        if gated:
            await self._ensure_unchanged(prepared, context)
        if prepared.paths and tool.category in (Category.READ, Category.WRITE):
            await self.count_file_operation(context.user_id)
        if gated:
            if self._gate is None:
                raise ApprovalRequired(f"{tool.name} needs an approval, and nobody can give one.")
            await self._gate.enter(call)
        started = time.monotonic()
        inside = msgspec.structs.replace(context, approved_state=prepared.state)
        ok = False
        try:
            result = await execution.execute(tool, inside, prepared.parameters)
            ok = result.ok
        finally:
            # Also when the turn is cancelled meanwhile: it has begun, and may have had effects.
            self._bus.publish(
                ToolExecuted(
                    session_id=call.session_id,
                    user_id=call.user_id,
                    agent=call.agent,
                    tool=tool.name,
                    call_id=call.call_id,
                    ok=ok,
                    duration_ms=monotonic_ms(started),
                    digest=call.digest,
                )
            )
        return result

    async def propose(self, prepared: PreparedCall, context: ToolContext) -> Proposal | None:
        """Return the whole text of the file that a call writes, before and after, if it is one.

        Raises:
            ToolError: The call does not fit the file as it is now.
        """
        return await execution.propose(prepared.tool, context, prepared.parameters)

    def rewritten(
        self, prepared: PreparedCall, proposal: Proposal, text: str
    ) -> dict[str, Any] | None:
        """Return the parameters by which a call makes exactly this text, if there are any."""
        return prepared.tool.rewritten(prepared.parameters, proposal, text)

    async def count_file_operation(self, user_id: str) -> None:
        """Count one file operation, also one that is done for a user without a tool.

        Raises:
            RateLimited: The user's file operations are used up.
        """
        await self._limiter.hit(FILE_OPERATIONS, self._file_operations, user_id)

    async def _ensure_unchanged(self, prepared: PreparedCall, context: ToolContext) -> None:
        call_of = (prepared.call.call_id, prepared.call.turn_id)
        now = await self._prepare(
            call_of, prepared.tool, prepared.agent, prepared.parameters, context
        )
        if now.call.digest != prepared.call.digest:
            raise ApprovalStale(
                "What this call would touch has changed since it was shown. Look at it again."
            )

    async def _prepare(
        self,
        call_of: tuple[str, str],
        tool: Tool[Any],
        agent: Agent,
        parameters: msgspec.Struct,
        context: ToolContext,
    ) -> PreparedCall:
        paths, command = execution.described(tool, context, parameters)
        _check_grant(agent, tool, paths)
        preparation = await execution.prepare(tool, context, parameters)
        canonical = arguments.canonical(parameters)
        call_id, turn_id = call_of
        call = Call(
            call_id=call_id,
            session_id=context.session_id,
            turn_id=turn_id,
            user_id=context.user_id,
            agent=agent.name,
            tool=tool.name,
            parameters=canonical,
            digest=arguments.digest(tool.name, canonical, preparation.state),
        )
        return PreparedCall(
            call=call,
            tool=tool,
            agent=agent,
            parameters=parameters,
            preview=reveal(preparation.preview),
            state=preparation.state,
            risk=preparation.risk or tool.risk,
            protected=tool.protected,
            gated=_is_gated(tool),
            raised=preparation.risk not in (None, tool.risk),
            paths=paths,
            command=command,
            facts=preparation.facts,
        )


def _is_gated(tool: Tool[Any]) -> bool:
    return tool.protected or not tool.repeatable


def _check_grant(agent: Agent, tool: Tool[Any], paths: tuple[str, ...]) -> None:
    if agent.may_use(tool.name, tool.category, paths):
        return
    if not agent.may_use(tool.name, tool.category):
        raise ToolNotGranted(f"The agent {agent.name} may not use {tool.name}.")
    raise ToolNotGranted(
        f"The agent {agent.name} may not use {tool.name} on {', '.join(paths)[:500]}."
    )
