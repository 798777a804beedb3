"""A conversation as one model wants it: its thinking given back, calls readable, cache marks."""

from __future__ import annotations

from typing import Any

import msgspec

from codelab.llm.providers.openai_format import write_messages, write_tools
from codelab.sdk.messages import AssistantMessage
from codelab.sdk.model import ModelRequest

_MARK = {"type": "ephemeral"}
_CHARACTERS_PER_TOKEN = 4
# Below this no provider keeps anything, and a mark would only be in the way.
LEAST_TOKENS = 1024
_json = msgspec.json.Encoder().encode


def write_conversation(
    request: ModelRequest, model: str, *, least_tokens: int = LEAST_TOKENS
) -> list[dict[str, Any]]:
    """Write the messages for a model that is reached through litellm's translation.

    Args:
        request: What to ask.
        model: litellm's name of the model.
        least_tokens: How long a prompt must be for its provider to keep it.
    """
    messages = write_messages(request.messages)
    for message, written in zip(request.messages, messages, strict=True):
        if isinstance(message, AssistantMessage):
            _give_back(message, written, model)
    if takes_marks(model) and _is_long(request, messages, least_tokens):
        mark_prefixes(messages)
    return messages


def takes_marks(model: str) -> bool:
    """Tell whether a model's provider keeps a prompt only up to marks, as Claude's do.

    Others keep by themselves what was there before. What calls itself Claude behind an address of
    its own may refuse what it does not know.
    """
    return "claude" in model.lower() and not model.startswith("openai/")


def mark_prefixes(messages: list[dict[str, Any]]) -> None:
    """Mark what the next request will begin with as well: three prefixes of four that are allowed.

    Tools and instructions, which never change, lie before the first mark. The last one moves on
    with each step. The one before stays where the last request had it, since the provider looks
    back from a mark for a few blocks only.
    """
    system = [place for place, one in enumerate(messages) if one["role"] == "system"][:1]
    asked = [place for place, one in enumerate(messages) if one["role"] in ("user", "tool")]
    answers = [place for place, one in enumerate(messages) if one["role"] == "assistant"]
    before = [place for place in asked if answers and place < answers[-1]][-1:]
    for place in {*system, *before, *asked[-1:]}:
        if messages[place]["content"]:
            messages[place]["cache_control"] = dict(_MARK)


def readable(arguments: str) -> str:
    """Return a call's arguments as a JSON object, whatever the model wrote."""
    try:
        msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.MsgspecError:
        return _json({"unreadable": arguments}).decode()
    return arguments


def _give_back(message: AssistantMessage, written: dict[str, Any], model: str) -> None:
    # Only OpenAI's wire can carry arguments that are no JSON object.
    for call in written.get("tool_calls", ()):
        call["function"]["arguments"] = readable(call["function"]["arguments"])
    thinking = message.thinking
    if thinking is not None and thinking.model == model:
        written["thinking_blocks"] = [dict(part) for part in thinking.parts]


def _is_long(request: ModelRequest, messages: list[dict[str, Any]], least_tokens: int) -> bool:
    size = len(_json(messages)) + len(_json(write_tools(request.tools)))
    return size >= least_tokens * _CHARACTERS_PER_TOKEN
