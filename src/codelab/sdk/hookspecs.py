"""The hooks: how agents, tools, models and subscribers come in, the built-in ones included.

Hooks are synchronous, run once at start-up and return objects. A plugin is a module, or an
object, named by an entry point of the group `codelab`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pluggy

from codelab.sdk.agent import Agent
from codelab.sdk.model import ModelProvider
from codelab.sdk.tool import Tool

PROJECT = "codelab"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to be told of an event.

    Args:
        event: The event's name, such as `TurnClosed`; the list is in docs/plugins/events.md.
        handler: Called with the event, in the server's event loop; must not block.
    """

    event: str
    handler: Callable[[Any], None]


@hookspec
def register_agents() -> Sequence[Agent]:
    """Return the agents that this plugin brings; a name that is taken stops the start-up."""
    return ()


@hookspec
def register_tools() -> Sequence[Tool[Any]]:
    """Return the tools that this plugin brings; a name that is taken stops the start-up."""
    return ()


@hookspec
def register_model_clients() -> Sequence[ModelProvider]:
    """Return models that this plugin runs itself, beside those that the catalogue names."""
    return ()


@hookspec
def register_subscribers() -> Sequence[Subscription]:
    """Return what this plugin wants to be told; an unknown event's name stops the start-up."""
    return ()
