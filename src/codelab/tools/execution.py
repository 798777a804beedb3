"""Calls a tool's own code, whatever it does, and bounds and masks what it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog

from codelab.kit.errors import CodeLabError
from codelab.kit.masking import mask
from codelab.sdk.tool import Preparation, Proposal, Tool, ToolContext, ToolError, ToolResult
from codelab.tools.masked_output import MaskedOutput
from codelab.workspace.api import clean

LONGEST_RESULT = 48_000

_NOTE = "\n… {} characters left out; ask for a smaller part …\n"
_ROOM = (LONGEST_RESULT - 100) // 2
_MARGIN = 4000

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


async def propose(
    tool: Tool[Any], context: ToolContext, parameters: msgspec.Struct
) -> Proposal | None:
    """Let the tool say what it would make of a file's text.

    Raises:
        ToolError: The call does not fit the file as it is now.
        CodeLabError: Something is away.
    """
    try:
        return await tool.propose(context, parameters)
    except CodeLabError as error:
        raise mendable(error) from error
    except Exception:
        raise ToolError(_failure(tool, context)) from None


async def execute(tool: Tool[Any], context: ToolContext, parameters: msgspec.Struct) -> ToolResult:
    """Run the tool; what goes wrong becomes a result that says so; no secret is in either."""
    shown = MaskedOutput(context.on_output)
    inside = msgspec.structs.replace(context, on_output=shown.feed)
    try:
        result = await tool.execute(inside, parameters)
    except CodeLabError as error:
        return bounded(ToolResult(ok=False, output=error.message))
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current and current.cancelling():
            raise
        # The tool waited for something that was cancelled; nobody has cancelled the tool.
        return ToolResult(ok=False, output=_failure(tool, context))
    except Exception:
        return ToolResult(ok=False, output=_failure(tool, context))
    finally:
        shown.close()
    return bounded(result)


def bounded(result: ToolResult) -> ToolResult:
    """Mask secrets in an answer, and keep head and tail of one that is too long for a model."""
    if len(result.output) <= LONGEST_RESULT:
        return msgspec.structs.replace(result, output=mask(result.output))
    # What is masked is more than what is kept, so that no half of a secret stays at the cut.
    head = mask(result.output[: _ROOM + _MARGIN])[:_ROOM]
    tail = mask(result.output[-_ROOM - _MARGIN :])[-_ROOM:]
    note = _NOTE.format(len(result.output) - 2 * _ROOM)
    return ToolResult(ok=result.ok, output=head + note + tail, truncated=True)


def mendable(error: CodeLabError) -> CodeLabError:
    """Turn what a model may mend into a `ToolError`; leave what only time or people can mend."""
    error.message = mask(error.message)
    error.args = (error.message,)
    if isinstance(error, ToolError) or error.retryable or error.status >= _NOT_THE_CALLERS:
        return error
    return ToolError(error.message, field=error.field)


def _failure(tool: Tool[Any], context: ToolContext) -> str:
    _log.exception("tool_failed", tool=tool.name, session_id=context.session_id)
    return f"internal error in tool {tool.name}"
