"""Calls a tool's own code, whatever it does, and bounds what it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.sdk.tool import Preparation, Tool, ToolContext, ToolError, ToolResult
from codelab.workspace.api import clean

LONGEST_RESULT = 48_000

_NOTE = "\n… {} characters left out; ask for a smaller part …\n"
_ROOM = (LONGEST_RESULT - 100) // 2

_NOT_THE_CALLERS = 500

_log = structlog.get_logger(__name__)


def described(
    tool: Tool[Any], context: ToolContext, parameters: msgspec.Struct
) -> tuple[tuple[str, ...], str | None]:
    """Return the paths, in plain form, and the command that a call is about.

    Raises:
        ToolError: A path leads outside or is not written as it should be.
    """
    try:
        return tuple(clean(path) for path in tool.paths(parameters)), tool.command(parameters)
    except CodeLabError as error:
        raise mendable(error) from error
    except Exception:
        raise ToolError(_failure(tool, context)) from None


async def prepare(tool: Tool[Any], context: ToolContext, parameters: msgspec.Struct) -> Preparation:
    """Let the tool say what it would do.

    Raises:
        ToolError: The call cannot work; the model may mend it.
        CodeLabError: Something is away, and mending the call would not help.
    """
    try:
        return await tool.prepare(context, parameters)
    except CodeLabError as error:
        raise mendable(error) from error
    except Exception:
        raise ToolError(_failure(tool, context)) from None


async def execute(tool: Tool[Any], context: ToolContext, parameters: msgspec.Struct) -> ToolResult:
    """Run the tool; what goes wrong becomes a result that says so."""
    try:
        result = await tool.execute(context, parameters)
    except CodeLabError as error:
        return ToolResult(ok=False, output=error.message)
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current and current.cancelling():
            raise
        # The tool waited for something that was cancelled; nobody has cancelled the tool.
        return ToolResult(ok=False, output=_failure(tool, context))
    except Exception:
        return ToolResult(ok=False, output=_failure(tool, context))
    return bounded(result)


def bounded(result: ToolResult) -> ToolResult:
    """Keep the head and the tail of an answer that is too long for a model."""
    excess = len(result.output) - LONGEST_RESULT
    if excess <= 0:
        return result
    head, tail = result.output[:_ROOM], result.output[-_ROOM:]
    note = _NOTE.format(len(result.output) - 2 * _ROOM)
    return ToolResult(ok=result.ok, output=head + note + tail, truncated=True)


def mendable(error: CodeLabError) -> CodeLabError:
    """Turn what a model may mend into a `ToolError`; leave what only time or people can mend."""
    if isinstance(error, ToolError) or error.retryable or error.status >= _NOT_THE_CALLERS:
        return error
    return ToolError(error.message, field=error.field)


def _failure(tool: Tool[Any], context: ToolContext) -> str:
    _log.exception("tool_failed", tool=tool.name, session_id=context.session_id)
    return f"internal error in tool {tool.name}"
