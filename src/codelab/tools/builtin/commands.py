"""execute_command."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from codelab.sdk import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult
from codelab.sdk.facts import CallFacts, CommandFacts


class ExecuteCommandParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    command: Annotated[
        str, Meta(min_length=1, max_length=32_000, description="Shell command line.")
    ]
    timeout_s: Annotated[
        int, Meta(ge=1, le=600, description="Seconds until it is stopped, 30 by default.")
    ] = 30


class ExecuteCommand(Tool[ExecuteCommandParameters]):
    """Runs a shell command in the box."""

    name = "execute_command"
    description = (
        "Run a shell command in the workspace's root folder, in a box: no network but for the "
        "hosts that the server's administrator has named, usually none, through the proxy in its "
        "environment; only the workspace and $TMPDIR can be written, .git is read-only (use "
        "git_commit to commit), everything it starts ends with it. For agents that may not write "
        "files the workspace is read-only too. A human sees the command and decides. Of long "
        "output the beginning and the end are kept."
    )
    parameters = ExecuteCommandParameters
    category = Category.RUN
    risk = Risk.CRITICAL
    protected = True
    repeatable = False
    boxed = True

    def command(self, parameters: ExecuteCommandParameters) -> str:
        """Name the command."""
        return parameters.command

    async def prepare(
        self, context: ToolContext, parameters: ExecuteCommandParameters
    ) -> Preparation:
        """Show the command line, the folder and the box."""
        layer = context.workspace.sandbox_layer()
        if layer == "none":
            raise ToolError(
                "Commands are off on this server, because nothing here can keep them in a box. "
                "The administrator learns more from `codelab doctor`."
            )
        if not parameters.command.strip() or "\0" in parameters.command:
            raise ToolError("The command is empty or holds a NUL.", field="command")
        folder, network = context.workspace.root(), context.workspace.network()
        preview = (
            f"$ {parameters.command}\n\n"
            f"folder: {folder}{' (read-only)' if context.read_only else ''}\n"
            f"box: {layer}\nnetwork: {network}\ntime limit: {parameters.timeout_s} s"
        )
        facts = CommandFacts(
            folder=folder,
            layer=layer,
            network=network,
            timeout_s=parameters.timeout_s,
            read_only=context.read_only,
        )
        return Preparation(
            preview=preview,
            state=f"{folder}\0{layer}\0{network}",
            facts=CallFacts(command=facts),
        )

    async def execute(
        self, context: ToolContext, parameters: ExecuteCommandParameters
    ) -> ToolResult:
        """Run it."""
        result = await context.workspace.run(
            parameters.command,
            timeout_s=parameters.timeout_s,
            on_output=context.on_output,
            read_only=context.read_only,
        )
        ending = (
            f"Stopped after {parameters.timeout_s} s."
            if result.timed_out
            else f"Exit code {result.exit_code}."
        )
        output = result.output.rstrip("\n")
        return ToolResult(
            output=f"{output}\n{ending}" if output else ending,
            ok=result.exit_code == 0,
            truncated=result.truncated,
        )
