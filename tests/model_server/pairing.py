"""What OpenAI and Anthropic enforce on histories: every tool call is answered, nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]


def openai_problem(messages: Sequence[Message]) -> str | None:
    """What OpenAI would refuse in these messages, in its words, or none."""
    if not messages:
        return "Invalid 'messages': empty array. Expected an array with minimum length 1."
    open_ids: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_ids:
                return (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'."
                )
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            return (
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. The following tool_call_ids did not have "
                f"response messages: {', '.join(open_ids)}"
            )
        open_ids = [call["id"] for call in message.get("tool_calls") or []]
    return None


def anthropic_problem(messages: Sequence[Message]) -> str | None:
    """What Anthropic would refuse in these messages, in its words, or none."""
    if not messages:
        return "messages: at least one message is required"
    open_ids: set[str] = set()
    for place, message in enumerate([*messages, {"role": "user", "content": []}]):
        blocks = message["content"] if isinstance(message["content"], list) else []
        if any(block.get("type") == "text" and not block.get("text") for block in blocks):
            return "messages: text content blocks must be non-empty"
        answered = {b["tool_use_id"] for b in blocks if b.get("type") == "tool_result"}
        if unexpected := answered - open_ids:
            return (
                f"messages.{place}.content: unexpected `tool_use_id` found in `tool_result` "
                f"blocks: {', '.join(sorted(unexpected))}. Each `tool_result` block must have a "
                "corresponding `tool_use` block in the previous message."
            )
        if missing := open_ids - answered:
            return (
                f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(sorted(missing))}. Each `tool_use` block must have "
                "a corresponding `tool_result` block in the next message."
            )
        open_ids = {block["id"] for block in blocks if block.get("type") == "tool_use"}
    return None
