"""The demo as a plugin: it brings one scripted model through the same hook as anybody."""

from __future__ import annotations

from collections.abc import Sequence

from codelab.demo.client import MODEL, ScriptedClient
from codelab.sdk import ModelProvider, hookimpl


@hookimpl
def register_model_clients() -> Sequence[ModelProvider]:
    """Return the scripted model."""
    return (ModelProvider(client=ScriptedClient(), models=(MODEL,)),)
