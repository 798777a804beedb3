"""Asking an agent's model with a prompt that fits, however long the conversation has become."""

from __future__ import annotations

import msgspec

from codelab.agents.budget import Limits, tightened
from codelab.agents.compaction.compacting import compact
from codelab.agents.compaction.summary import SUMMARY_AGENT
from codelab.agents.live import LiveTurn
from codelab.agents.prompting import Conversation, Prompt
from codelab.llm.errors import ContextTooLong
from codelab.sdk.model import Completion
from codelab.sessions.api import Task
from codelab.sessions.events import ContextMeasured

_TRIES = 3


async def ask(turn: LiveTurn, task: Task, message_id: str) -> Completion:
    """Have the task's agent write its next message; compact its conversation where it must be.

    Raises:
        ContextTooLong: Even compacted again and again it does not fit.
    """
    await turn.services.models.discovered()
    prompt = await _fitting(turn, task)
    for _ in range(_TRIES):
        try:
            return await _stream(turn, task, prompt, message_id)
        except ContextTooLong as error:
            # What the user has read already cannot be asked for again.
            if message_id in turn.unfinished:
                raise
            model = error.model or prompt.request.model
            turn.services.counter.overflowed(
                model,
                guessed=prompt.guess,
                known=turn.services.models.window(model),
                limit_tokens=error.limit_tokens,
                asked_tokens=error.asked_tokens,
            )
            shorter = await _tightened(turn, task, model)
            if shorter is None:
                raise _hopeless(model) from error
            prompt = shorter
    try:
        return await _stream(turn, task, prompt, message_id)
    except ContextTooLong as error:
        raise _hopeless(error.model or prompt.request.model) from error


async def _fitting(turn: LiveTurn, task: Task) -> Prompt:
    """Return the prompt, compacted if it takes too much."""
    conversation = turn.conversation(task)
    prompt = turn.prompter.prompt(conversation)
    return await _compacted(turn, task, conversation, prompt, prompt.limits) or prompt


async def _tightened(turn: LiveTurn, task: Task, refused_by: str) -> Prompt | None:
    """Return a prompt that is shorter than one that was refused, or none if there is no way.

    It is measured for the model that has refused it, which may not be the one that is preferred.
    """
    model = turn.services.models.info(refused_by)
    conversation = msgspec.structs.replace(turn.conversation(task), model=model)
    prompt = turn.prompter.prompt(conversation)
    limits = tightened(prompt.limits, prompt.used_tokens, prompt.fixed)
    return await _compacted(turn, task, conversation, prompt, limits)


async def _compacted(
    turn: LiveTurn, task: Task, conversation: Conversation, prompt: Prompt, limits: Limits
) -> Prompt | None:
    """Compact a conversation and return its task's new prompt, or none if nothing is hidden."""
    used = turn.unrecorded.setdefault(f"{SUMMARY_AGENT} {task.id}", [])
    compacted = await compact(
        turn.services.models,
        turn.prompter,
        conversation,
        prompt,
        limits,
        turn.attribution(task),
        used,
        lambda waiting: turn.awaits(task, waiting),
    )
    if compacted is None:
        return None
    await turn.record(*used, compacted)
    used.clear()
    return turn.prompter.prompt(turn.conversation(task))


async def _stream(turn: LiveTurn, task: Task, prompt: Prompt, message_id: str) -> Completion:
    turn.services.bus.publish(
        ContextMeasured(
            session_id=turn.held.session_id,
            agent=task.agent,
            model=prompt.request.model,
            used_tokens=prompt.used_tokens,
            budget_tokens=prompt.budget_tokens,
            parts=prompt.parts,
            task_id=task.id,
        )
    )
    completion = await turn.stream(task, prompt.request, message_id)
    usage = completion.usage
    if completion.model == prompt.request.model and not usage.estimated:
        turn.services.counter.learn(
            completion.model, guessed=prompt.guess, counted=usage.input_tokens
        )
    return completion


def _hopeless(model: str) -> ContextTooLong:
    return ContextTooLong(
        f"This conversation does not fit into the window of {model}, although it "
        "was shortened as far as possible. Send a shorter message, start a new session, or "
        "choose a model with a larger window."
    )
