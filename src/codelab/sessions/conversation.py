"""What was said in a session, as its facts tell it: the stuff that prompts are made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence

import msgspec

from codelab.sdk.messages import AssistantMessage, Message, ToolMessage, UserMessage
from codelab.sessions.attachments import describe, written_out
from codelab.sessions.events import (
    ROOT_TASK,
    AgentChosen,
    AnswerRestarted,
    AnyFact,
    AssistantMessageCompleted,
    ContentAttached,
    ContextCompacted,
    ContextRestored,
    Entry,
    ToolCallCompleted,
    UserMessageReceived,
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a conversation, under the name by which compactions know it.

    Args:
        key: The message's identifier; of a result, its call's; of a sub-task's prompt, the task's.
        message: What a model is shown.
        attached: How many characters at its end are what the user was looking at or attached.
        is_data: Whether it came out of a tool; otherwise a human or the server says it.
        beside: What is shown with a result while that is shown whole.
        note: What the server says of a result.
        seq: Its place in the log, where it was read from there.
    """

    key: str
    message: Message
    attached: int = 0
    is_data: bool = False
    beside: str = ""
    note: str = ""
    seq: int = 0


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What a session's earlier turns leave to the next one.

    Args:
        said: What was said, oldest first; what is hidden for good may be missing.
        compactions: Those in force, oldest first.
        agent: The agent of the last turn.
    """

    said: tuple[Said, ...] = ()
    compactions: tuple[ContextCompacted, ...] = ()
    agent: str | None = None


def said_by(fact: AnyFact) -> Said | None:
    """Return what a fact adds to a conversation, if anything."""
    match fact:
        case UserMessageReceived(context=context):
            looking_at = describe(context, fact.message_id)
            text = f"{fact.text}\n\n{looking_at}" if looking_at else fact.text
            message = UserMessage(text=text)
            return Said(key=fact.message_id, message=message, attached=len(looking_at))
        case AgentChosen() if fact.prompt:
            return Said(key=fact.task_id, message=UserMessage(text=fact.prompt))
        case AssistantMessageCompleted():
            answer = AssistantMessage(
                text=fact.text, tool_calls=fact.tool_calls, thinking=fact.thinking
            )
            return Said(key=fact.message_id, message=answer)
        case ToolCallCompleted():
            result = ToolMessage(
                call_id=fact.call_id, name=fact.tool, content=fact.output, ok=fact.ok
            )
            return Said(key=fact.call_id, message=result, is_data=not fact.refused)
    return None


def attach(conversation: MutableSequence[Said], fact: ContentAttached) -> None:
    """Put contents to the message or the result that they belong to, if that is here."""
    for index in range(len(conversation) - 1, -1, -1):
        said = conversation[index]
        if said.key != fact.to or isinstance(said.message, AssistantMessage):
            continue
        text = written_out(fact.attachments, fact.to)
        if isinstance(said.message, UserMessage):
            more = f"\n\n{text}"
            message = UserMessage(text=said.message.text + more)
            said = msgspec.structs.replace(
                said, message=message, attached=said.attached + len(more)
            )
        else:
            said = msgspec.structs.replace(said, beside=text)
        conversation[index] = said
        return


def conversation_of(entries: Iterable[Entry]) -> tuple[Said, ...]:
    """Turn the log of earlier turns into a conversation, with exactly one result for each call.

    A call whose result is not among the entries, since the log was read only in part or the
    turn is still open elsewhere, is left out. So is an answer that was asked for again.
    """
    entries = [entry for entry in entries if getattr(entry.fact, "task_id", "") == ROOT_TASK]
    restarts = [entry.fact for entry in entries if isinstance(entry.fact, AnswerRestarted)]
    replaced = {fact.message_id for fact in restarts}
    results = [entry.fact for entry in entries if isinstance(entry.fact, ToolCallCompleted)]
    answered = {fact.call_id for fact in results}
    called: set[str] = set()
    conversation: list[Said] = []
    for entry in entries:
        if isinstance(entry.fact, ContentAttached):
            attach(conversation, entry.fact)
        said = said_by(entry.fact)
        if said is None or said.key in replaced:
            continue
        message = said.message
        if isinstance(message, ToolMessage):
            if message.call_id not in called:
                continue
            called.discard(message.call_id)
        elif isinstance(message, AssistantMessage):
            kept = tuple(call for call in message.tool_calls if call.id in answered)
            called.update(call.id for call in kept)
            if not message.text and not kept:
                continue
            # A provider wants its thoughts back within a turn only.
            message = msgspec.structs.replace(message, tool_calls=kept, thinking=None)
        conversation.append(msgspec.structs.replace(said, message=message, seq=entry.seq))
    return tuple(conversation)


def in_force(entries: Iterable[Entry]) -> list[tuple[int, ContextCompacted]]:
    """Return the session's compactions that were not undone, each with its place in the log.

    One that is undone takes the later ones with it: they stand on what it left.
    """
    active: list[tuple[int, ContextCompacted]] = []
    for entry in entries:
        match entry.fact:
            case ContextCompacted(task_id="") as fact:
                active.append((entry.seq, fact))
            case ContextRestored(compaction_seq=undone):
                active = [one for one in active if one[0] < undone]
            case _:
                pass
    return active


def unseen(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the keys of everything that no model is shown any more, in whole."""
    undone = _undone(entries := list(entries))
    return frozenset(
        key
        for entry in entries
        if isinstance(entry.fact, ContextCompacted) and entry.seq not in undone
        for key in (*entry.fact.hidden, *entry.fact.aged)
    )


def _undone(entries: Sequence[Entry]) -> set[int]:
    made = {
        entry.seq
        for entry in entries
        if isinstance(entry.fact, ContextCompacted) and entry.fact.task_id == ROOT_TASK
    }
    return made - {seq for seq, _ in in_force(entries)}
