"""From the log to the prompt: what a model is shown, within its budget. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from codelab.sdk.agent import Agent
from codelab.sdk.messages import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage
from codelab.sdk.model import ModelInfo
from codelab.sessions.events import (
    AnswerRestarted,
    AssistantMessageCompleted,
    Entry,
    MessageContext,
    ToolCallCompleted,
    UserMessageReceived,
)

# Characters per token: a careful guess that needs no tokenizer on the way to the first token.
_ASCII_PER_TOKEN = 3.6
_OTHER_PER_TOKEN = 1.8
_PER_MESSAGE = 8
_KEPT_MESSAGES = 10
_AGED_OUT = "[An older result was left out to save room. Call the tool again if you need it.]"
_AGED_FROM_TOKENS = 200
_CUT = "\n[The rest was left out to save room. Ask for a smaller part.]"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens a prompt may take, the tools and the answer already taken off."""

    tokens: int


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text takes, rather too many than too few."""
    ascii_characters = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    others = len(text) - ascii_characters
    return int(ascii_characters / _ASCII_PER_TOKEN + others / _OTHER_PER_TOKEN) + 1


def prompt_window(model: ModelInfo, limit: int) -> int:
    """Return how many tokens a prompt may take so that the model has room for its answer."""
    # Where a model may answer at any length, a quarter of its window is enough for one step.
    answer = min(model.max_output_tokens, model.context_tokens // 4)
    return min(limit, model.context_tokens - answer)


def message_tokens(message: Message) -> int:
    """Estimate how many tokens a message takes."""
    match message:
        case AssistantMessage(text=text, tool_calls=calls):
            texts = [text, *(call.name + call.arguments for call in calls)]
        case ToolMessage(content=content):
            texts = [content]
        case _:
            texts = [message.text]
    return _PER_MESSAGE + sum(estimate_tokens(text) for text in texts)


def earlier_messages(entries: Iterable[Entry]) -> list[Message]:
    """Turn the log of earlier turns into messages, with exactly one result for each call.

    A call whose result is not among the entries, since the log was read only in part or the
    turn is still open elsewhere, is left out. So is an answer that was asked for again.
    """
    facts = [entry.fact for entry in entries]
    replaced = {fact.message_id for fact in facts if isinstance(fact, AnswerRestarted)}
    answered = {fact.call_id for fact in facts if isinstance(fact, ToolCallCompleted)}
    called: set[str] = set()
    messages: list[Message] = []
    for fact in facts:
        match fact:
            case UserMessageReceived(text=text):
                messages.append(UserMessage(text=text))
            case AssistantMessageCompleted(message_id=message_id) if message_id in replaced:
                pass
            case AssistantMessageCompleted(text=text, tool_calls=calls):
                kept = tuple(call for call in calls if call.id in answered)
                called.update(call.id for call in kept)
                if text or kept:
                    messages.append(AssistantMessage(text=text, tool_calls=kept))
            case ToolCallCompleted() if fact.call_id in called:
                messages.append(
                    ToolMessage(
                        call_id=fact.call_id, name=fact.tool, content=fact.output, ok=fact.ok
                    )
                )
            case _:
                pass
    return messages


def system_prompt(agent: Agent, facts: Sequence[str]) -> SystemMessage:
    """Put together the instructions: the agent's own first, since they never change."""
    known = "\n".join(f"- {fact}" for fact in facts)
    return SystemMessage(text=f"{agent.prompt.strip()}\n\n# This session\n{known}\n")


def describe(context: MessageContext) -> str:
    """Say in words what the user is looking at."""
    parts = []
    if context.open_files:
        parts.append(f"Open files: {', '.join(context.open_files)}.")
    if selection := context.selection:
        lines = f"{selection.path}, lines {selection.start_line}-{selection.end_line}"
        parts.append(f"Selected in {lines}:\n```\n{selection.text}\n```")
    return "\n".join(parts)


def fit(
    system: SystemMessage, history: Sequence[Message], current: Sequence[Message], budget: Budget
) -> tuple[Message, ...]:
    """Choose what fits: the system message and the current turn first, then the newest history.

    Tool results age out before messages do, the oldest first. The last ten messages of the
    current turn stay as they are while they fit; beyond that only the newest does, in part.
    """
    room = budget.tokens - message_tokens(system)
    kept = _age(list(current), room, keep=_KEPT_MESSAGES)
    kept = _cut_newest(_age(kept, room, keep=1), room)
    room -= sum(map(message_tokens, kept))
    aged = _age(list(history), room, keep=0)
    return (system, *_newest(aged, room), *kept)


def _age(messages: list[Message], room: int, *, keep: int) -> list[Message]:
    excess = sum(map(message_tokens, messages)) - room
    for index in range(len(messages) - keep):
        if excess <= 0:
            break
        message = messages[index]
        size = message_tokens(message)
        if isinstance(message, ToolMessage) and size > _AGED_FROM_TOKENS:
            messages[index] = msgspec.structs.replace(message, content=_AGED_OUT)
            excess -= size - message_tokens(messages[index])
    return messages


def _cut_newest(messages: list[Message], room: int) -> list[Message]:
    excess = sum(map(message_tokens, messages)) - room
    if excess > 0 and isinstance(messages[-1], ToolMessage):
        newest = messages[-1]
        too_many = excess + estimate_tokens(_CUT) + _PER_MESSAGE
        share = 1 - too_many / estimate_tokens(newest.content)
        content = newest.content[: max(0, int(len(newest.content) * share))]
        messages[-1] = msgspec.structs.replace(newest, content=content + _CUT)
    return messages


def _newest(messages: Sequence[Message], room: int) -> list[Message]:
    start = len(messages)
    while start > 0:
        size = message_tokens(messages[start - 1])
        if size > room:
            break
        room -= size
        start -= 1
    # A conversation must not begin with the results of calls that were cut off.
    while start < len(messages) and not isinstance(messages[start], UserMessage):
        start += 1
    return list(messages[start:])
