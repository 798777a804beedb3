"""One answer of a model: asked for again when it breaks off, or when there is nothing in it."""

from __future__ import annotations

import msgspec

from codelab.agents.asking import ask
from codelab.agents.errors import AnswersUnusable, CallCutOff
from codelab.agents.live import LiveTurn
from codelab.kit.ids import new_id
from codelab.llm.errors import ModelError
from codelab.sdk.model import Completion
from codelab.sessions.api import Task
from codelab.sessions.events import (
    CANCELLED,
    INTERRUPTED,
    AnswerRestarted,
    AnyFact,
)

# Asked three times in all: the second time usually the same model, the third time the next one.
_RESTARTS = 2
_CUT_OFF = ("length", "content_filter")


async def answer(turn: LiveTurn, task: Task) -> tuple[str, Completion]:
    """Stream the next answer of the task's agent, from its beginning until one is whole.

    Returns:
        The message's id and the answer.

    Raises:
        AnswersUnusable: None was, several times in a row; says what was wrong.
        ModelError: No model answers.
    """
    while True:
        message_id = new_id()
        try:
            completion = await ask(turn, task, message_id)
        except ModelError as error:
            if not (error.begun_by and error.retryable):
                raise
            await _restart(turn, task, message_id, error.begun_by, error.message)
            continue
        if completion.text.strip() or completion.tool_calls:
            return message_id, _in_its_own_words(completion)
        reason = f"{completion.model} gave an empty answer."
        used = turn.unrecorded[message_id]
        await _restart(turn, task, message_id, completion.model, reason, *used)
        del turn.unrecorded[message_id]


def cut_off(completion: Completion) -> CallCutOff | None:
    """Say why none of an answer's calls may run, if it ended in the middle of one."""
    if not completion.tool_calls or completion.finish_reason not in _CUT_OFF:
        return None
    return CallCutOff(
        "Not run: your answer was cut off at its greatest length, so this call may not be whole. "
        "Make it again with less in it, for example a large file in several steps."
        if completion.finish_reason == "length"
        else "Not run: the provider's content filter cut your answer off, so this call may not be "
        "whole."
    )


async def _restart(
    turn: LiveTurn, task: Task, message_id: str, failed_model: str, reason: str, *facts: AnyFact
) -> None:
    """Commit that an answer is asked for again, and what was shown of it."""
    if task.restarts >= _RESTARTS:
        if facts:
            await turn.record(*facts)
        raise AnswersUnusable(
            f"{reason} That was the third time in a row. Try again or choose another model."
        )
    restarted = AnswerRestarted(
        message_id=message_id,
        agent=task.agent,
        failed_model=failed_model,
        model=turn.next_model(task),
        reason=reason,
        task_id=task.id,
    )
    draft = turn.unfinished.get(message_id)
    shown = (draft,) if draft else ()
    await turn.record(*facts, *shown, restarted)
    turn.unfinished.pop(message_id, None)


def _in_its_own_words(completion: Completion) -> Completion:
    """Keep a provider from using the words by which we mark what is not whole."""
    if completion.finish_reason not in (CANCELLED, INTERRUPTED):
        return completion
    return msgspec.structs.replace(completion, finish_reason="stop")
