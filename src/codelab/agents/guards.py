"""Whether an agent goes round in circles, and how long a turn was worked on. Pure.

Only the log decides, so that whoever carries a turn forward decides the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec

from codelab.agents.errors import CallsRepeated
from codelab.sdk.messages import AssistantMessage, Message, ToolCall, UserMessage
from codelab.sessions.api import Said, Task, TurnState
from codelab.sessions.events import ApprovalAnswered, Entry, ToolCallRequested

WARNED, STOPPED = 3, 5
# No step takes longer: in a longer silence nobody has worked, since no server ran.
LONGEST_STEP_S = 900.0
_LONGEST_PARSED = 4000

_WARNING = (
    "[This is call number {times} in a row with the same arguments, and it will not tell you "
    "more. Do something else, or say what keeps you from going on. The turn is stopped at "
    "number {stopped}.]"
)


def in_a_row(messages: Iterable[Message]) -> dict[str, int]:
    """Tell for each call how often it had been made in a row by then, itself included.

    Calls that are made together are compared together: a message whose calls are those of the
    one before repeats it, in whatever order and number they come, and one that makes any other
    call does not. Within a message nothing repeats: no result was known yet. A user's message
    begins anew.
    """
    times: dict[str, int] = {}
    before: frozenset[tuple[str, str]] = frozenset()
    made = 0
    for message in messages:
        if isinstance(message, UserMessage):
            before = frozenset()
        if not isinstance(message, AssistantMessage) or not message.tool_calls:
            continue
        together = frozenset((call.name, _canonical(call.arguments)) for call in message.tool_calls)
        if together != before:
            before, made = together, 0
        made += 1
        times.update({call.id: made for call in message.tool_calls})
    return times


def warned(said: Sequence[Said]) -> Sequence[Said]:
    """Put a warning behind the results of calls that were made too often in a row."""
    times = in_a_row(one.message for one in said)
    if max(times.values(), default=0) < WARNED:
        return said
    return [_with_warning(one, times) for one in said]


def repeated(agent: str, messages: Sequence[Message]) -> CallsRepeated | None:
    """Say why a task must stop, if the last message repeats its calls once too often."""
    last = next((one for one in reversed(messages) if isinstance(one, AssistantMessage)), None)
    if last is None or not last.tool_calls:
        return None
    times = in_a_row(messages)
    if max(times[call.id] for call in last.tool_calls) < STOPPED:
        return None
    names = " and ".join(dict.fromkeys(call.name for call in last.tool_calls))
    return CallsRepeated(
        f"{agent} called {names} {STOPPED} times in a row with the same arguments and got no "
        "further. Say what it should do differently, or choose another model."
    )


def repeated_by(
    agent: str, messages: Sequence[Message], calls: tuple[ToolCall, ...]
) -> CallsRepeated | None:
    """Say why none of the calls may run, if with them a task repeats itself once too often."""
    return repeated(agent, [*messages, AssistantMessage(text="", tool_calls=calls)])


def worked_s(entries: Sequence[Entry]) -> float:
    """Return the seconds for which a turn was worked on, as its log tells.

    While all that goes on waits for humans, nobody works.
    """
    state = TurnState("")
    pending: set[str] = set()
    seconds = 0.0
    for entry, following in pairwise(entries):
        state.apply(entry.fact)
        match entry.fact:
            case ToolCallRequested(call_id=call_id, requires_approval=True):
                pending.add(call_id)
            case ToolCallRequested(call_id=call_id) | ApprovalAnswered(call_id=call_id):
                pending.discard(call_id)
            case _:
                pass
        if not _waits(state.root, state.tasks, pending):
            gap = (following.at - entry.at).total_seconds()
            seconds += min(max(0.0, gap), LONGEST_STEP_S)
    return seconds


def _waits(task: Task | None, tasks: Mapping[str, Task], pending: set[str]) -> bool:
    if task is None or not task.open_calls:
        return False
    return all(
        call_id in pending or _waits(tasks.get(call_id), tasks, pending)
        for call_id in task.open_calls
    )


def _with_warning(said: Said, times: Mapping[str, int]) -> Said:
    if isinstance(said.message, AssistantMessage) or times.get(said.key, 0) < WARNED:
        return said
    note = _WARNING.format(times=times[said.key], stopped=STOPPED)
    return msgspec.structs.replace(said, note=note)


def _canonical(arguments: str) -> str:
    # Whoever goes round in circles writes the same once more: what is long is not parsed for it.
    return arguments if len(arguments) > _LONGEST_PARSED else _sorted(arguments)


@lru_cache(maxsize=1000)
def _sorted(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
