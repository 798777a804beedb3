"""The messages of a conversation, as agents keep them and models receive them."""

from __future__ import annotations

import msgspec


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A model's wish to run a tool.

    Args:
        id: The call's identifier, unique within its session.
        name: The tool's name.
        arguments: A JSON object, exactly as the model wrote it: it may be broken.
    """

    id: str
    name: str
    arguments: str


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Reasoning in its provider's own form, which it wants back while its tool calls are answered.

    Args:
        model: Whose it is, in litellm's words; no other model is shown it.
        parts: Opaque, and signed by the provider: they go back as they came.
    """

    model: str
    parts: tuple[dict[str, str], ...]


class SystemMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="system"):
    """Instructions to the model."""

    text: str


class UserMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="user"):
    """What the human, or a delegating agent, asks."""

    text: str


class AssistantMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="assistant"
):
    """What the model answered."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: Thinking | None = None


class ToolMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="tool"):
    """The result of one tool call."""

    call_id: str
    name: str
    content: str
    ok: bool = True


Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage
