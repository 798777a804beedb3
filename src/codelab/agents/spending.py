"""What model calls have cost, until the log has it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from codelab.kit.ids import new_id
from codelab.sdk.model import Usage
from codelab.sessions.events import UsageRecorded

Used = list[UsageRecorded]


def noted_in(used: Used, *, agent: str, model: str, task_id: str) -> Callable[[Usage], None]:
    """Return what the model layer tells of each row that its table gets.

    Args:
        used: Where the facts gather that the log will get.
        agent: Who asked.
        model: The model that is asked first.
        task_id: The task that it was for.
    """

    def on_usage(usage: Usage) -> None:
        if usage != Usage():
            used.append(
                UsageRecorded(
                    agent=agent, model=model, usage=usage, usage_id=new_id(), task_id=task_id
                )
            )

    return on_usage


def answered_by(used: Used, model: str) -> None:
    """Name the model that has answered in the latest fact."""
    used[-1:] = [msgspec.structs.replace(one, model=model) for one in used[-1:]]
