"""What model calls have cost, until the log has it."""

from __future__ import annotations

from collections.abc import Callable

from codelab.sdk.model import Usage
from codelab.sessions.events import UsageRecorded

Used = list[UsageRecorded]


def noted_in(used: Used, *, agent: str, task_id: str) -> Callable[[str, str, Usage], None]:
    """Return what the model layer tells of each row that its table gets.

    Args:
        used: Where the facts gather that the log will get.
        agent: Who asked.
        task_id: The task that it was for.
    """

    def on_usage(number: str, model: str, usage: Usage) -> None:
        if usage != Usage():
            used.append(
                UsageRecorded(
                    agent=agent, model=model, usage=usage, usage_id=number, task_id=task_id
                )
            )

    return on_usage
