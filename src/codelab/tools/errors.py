"""What can go wrong with a tool call; a model may mend what is a `ToolError`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from codelab.kit.errors import CodeLabError, Conflict, Forbidden
from codelab.sdk.tool import ToolError

__all__ = [
    "ApprovalRequired",
    "ApprovalStale",
    "FieldError",
    "ToolArgumentsInvalid",
    "ToolError",
    "ToolInvalid",
    "ToolNotGranted",
    "ToolUnknown",
]


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of the arguments; `field` is empty for the whole of them."""

    field: str
    message: str


class ToolArgumentsInvalid(ToolError):
    """The model's arguments do not fit the tool's parameters; every wrong field is named."""

    code = "tool_arguments_invalid"
    title = "The tool's arguments are not valid"

    def __init__(self, tool: str, errors: Sequence[FieldError]) -> None:
        lines = [f"- {error.field or 'arguments'}: {error.message}" for error in errors]
        super().__init__("\n".join([f"The arguments of {tool} are not valid:", *lines]))
        self.errors = tuple(errors)


class ToolUnknown(ToolError):
    """There is no tool of this name."""

    code = "tool_unknown"
    title = "Unknown tool"


class ToolNotGranted(ToolError):
    """The agent may not use this tool, or not on this path."""

    code = "tool_not_granted"
    title = "Not this agent's tool"
    status = 403


class ApprovalStale(Conflict):
    """What the call would touch changed after it was shown."""

    code = "approval_stale"
    title = "The target has changed"


class ApprovalRequired(Forbidden):
    """A protected call arrived where nothing can approve it."""

    code = "approval_missing"
    title = "Not approved"


class ToolInvalid(CodeLabError):
    """A tool that a plugin brings is not well-formed, or its name is taken."""

    code = "tool_invalid"
    title = "A tool cannot be registered"
