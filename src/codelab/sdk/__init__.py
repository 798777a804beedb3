"""The contracts that plugins import: agents, tools, models and the hooks that offer them."""

from codelab.sdk.agent import Agent, ModelRole, ToolGrant
from codelab.sdk.hookspecs import Subscription, hookimpl
from codelab.sdk.model import (
    Completion,
    Delta,
    ModelClient,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    ToolSpec,
    Usage,
)
from codelab.sdk.tool import Category, Preparation, Risk, Tool, ToolContext, ToolError, ToolResult

__all__ = [
    "Agent",
    "Category",
    "Completion",
    "Delta",
    "ModelClient",
    "ModelInfo",
    "ModelProvider",
    "ModelRequest",
    "ModelRole",
    "Preparation",
    "Risk",
    "Subscription",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolGrant",
    "ToolResult",
    "ToolSpec",
    "Usage",
    "hookimpl",
]
