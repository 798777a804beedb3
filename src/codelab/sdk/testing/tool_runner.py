"""Runs one tool as the server does: decode, check, prepare, show, ask, execute."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

import msgspec

from codelab.kit.errors import Conflict, Forbidden
from codelab.sdk.agent import Agent
from codelab.sdk.testing.contract import check_tool
from codelab.sdk.tool import Preparation, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.workspace import Workspace


class ArgumentsInvalid(ToolError):
    """The arguments are no JSON object that fits the tool's parameters; a model may mend it."""

    code = "tool_arguments_invalid"


class NotGranted(ToolError):
    """The agent's grants do not cover this tool, or not these paths."""

    code = "tool_not_granted"


class NotApproved(Forbidden):
    """A protected tool was executed before a human approved the call."""

    code = "approval_required"


class PreviewOutdated(Conflict):
    """What would be touched has another state than the one that was shown and approved."""

    code = "approval_stale"


class PreparedCall:
    """A call that was checked and can be judged: `preview` is what a human would be shown."""

    def __init__(
        self,
        tool: Tool[Any],
        parameters: msgspec.Struct,
        context: ToolContext,
        preparation: Preparation,
    ) -> None:
        self.tool = tool
        self.parameters = parameters
        self.preview = preparation.preview
        self.paths = _paths(tool, parameters)
        self.command = tool.command(parameters)
        self._context = context
        self._preparation = preparation
        self._may_run = not tool.protected

    def approve(self) -> None:
        """Answer as the human would who lets it happen, once."""
        self._may_run = True

    async def execute(self) -> ToolResult:
        """Run the call if it may run; a protected one is prepared once more before.

        Raises:
            NotApproved: The tool is protected and `approve` was not called since it last ran.
            PreviewOutdated: What it would touch changed.
            CodeLabError: The tool could not do it.
        """
        if not self._may_run:
            raise NotApproved(f"{self.tool.name} is protected: a human has to approve this call.")
        if self.tool.protected:
            self._may_run = False
            now = await self.tool.prepare(self._context, self.parameters)
            if now.state != self._preparation.state:
                raise PreviewOutdated("What it would touch changed: prepare the call again.")
        approved = self._preparation.state
        inside = msgspec.structs.replace(self._context, approved_state=approved)
        return await self.tool.execute(inside, self.parameters)


class ToolRunner:
    """Runs tools in a workspace on behalf of a user named `tester`; `shown` is their live output.

    Args:
        workspace: Where the tools work.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.shown: list[str] = []

    async def prepare(
        self,
        tool: Tool[Any],
        arguments: Mapping[str, Any] | str = "{}",
        *,
        agent: Agent | None = None,
        session_id: str = "session",
    ) -> PreparedCall:
        """Check a call and say what it would do.

        Args:
            tool: The tool.
            arguments: What a model would write: a JSON object, as text or as a mapping.
            agent: The agent that asks; its grants are checked. None may use everything.
            session_id: The session in which it is asked.

        Raises:
            ContractBroken: The tool itself is not declared well.
            ArgumentsInvalid: The arguments don't fit.
            NotGranted: The agent may not.
            CodeLabError: The tool refuses the call.
        """
        check_tool(tool)
        parameters = _decode(tool, arguments)
        paths = _paths(tool, parameters)
        if agent and not agent.may_use(tool.name, tool.category, paths):
            where = f" on {', '.join(paths)}" if paths else ""
            raise NotGranted(f"The agent {agent.name} may not use {tool.name}{where}.")
        context = ToolContext(
            workspace=self.workspace,
            session_id=session_id,
            user_id="user",
            user_name="tester",
            agent=agent.name if agent else "tester",
            on_output=self.shown.append,
        )
        return PreparedCall(tool, parameters, context, await tool.prepare(context, parameters))

    async def run(
        self,
        tool: Tool[Any],
        arguments: Mapping[str, Any] | str = "{}",
        *,
        approved: bool = False,
        agent: Agent | None = None,
        session_id: str = "session",
    ) -> ToolResult:
        """Prepare a call and execute it.

        Args:
            tool: The tool.
            arguments: What a model would write.
            approved: The human's answer, if the tool is protected.
            agent: The agent that asks.
            session_id: The session in which it is asked.

        Raises:
            CodeLabError: As `prepare` and `PreparedCall.execute` do.
        """
        call = await self.prepare(tool, arguments, agent=agent, session_id=session_id)
        if approved:
            call.approve()
        return await call.execute()


def _paths(tool: Tool[Any], parameters: msgspec.Struct) -> tuple[str, ...]:
    return tuple(posixpath.normpath(path) for path in tool.paths(parameters))


def _decode(tool: Tool[Any], arguments: Mapping[str, Any] | str) -> msgspec.Struct:
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    known = {field.encode_name for field in msgspec.structs.fields(tool.parameters)}
    try:
        values = msgspec.json.decode(text.strip() or "{}", type=dict[str, Any])
        if unknown := sorted(values.keys() - known):
            raise ArgumentsInvalid(f"{tool.name} has no parameter {', '.join(unknown)}.")
        return msgspec.convert(values, tool.parameters, strict=True)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArgumentsInvalid(f"The arguments of {tool.name} do not fit: {error}.") from None
