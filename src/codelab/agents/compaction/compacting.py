"""Compaction, from the decision to the facts that the log gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from codelab.agents import context
from codelab.agents.budget import Limits
from codelab.agents.compaction.compaction import Plan, decide
from codelab.agents.compaction.summary import Written, summarise
from codelab.agents.prompting import Conversation, Prompt, Prompter
from codelab.agents.spending import Used
from codelab.llm.api import Attribution, Models, Waiting
from codelab.sessions.api import Said
from codelab.sessions.events import ContextCompacted, Shortened


async def compact(
    models: Models,
    prompter: Prompter,
    conversation: Conversation,
    prompt: Prompt,
    limits: Limits,
    attribution: Attribution,
    used: Used,
    on_waiting: Callable[[Waiting], None] | None = None,
) -> ContextCompacted | None:
    """Decide what to hide and have it summarised; return the fact, none if all stays.

    Args:
        models: Write the summary.
        prompter: Measures.
        conversation: What is too long, or may be.
        prompt: Its prompt as it is now.
        limits: When and how far.
        attribution: On whose account.
        used: Takes what the summary has cost.
        on_waiting: Told when the summary takes longer, and why.
    """
    plan = decide(prompt.pieces, fixed=prompt.fixed, factor=prompt.factor, limits=limits)
    if plan is None:
        return None
    written: Written | None = None
    if plan.summarise:
        hidden = set(plan.hidden)
        written = await summarise(
            models,
            attribution,
            [one.message for one in prompt.pieces if one.key in hidden],
            earlier=context.view_of(conversation.compactions).summary,
            tokens=int(limits.summary / prompt.factor),
            model=conversation.chosen_model,
            used=used,
            task_id=conversation.task_id,
            on_waiting=on_waiting,
        )
    return carried_out(plan, prompter, conversation, prompt, written)


def carried_out(
    plan: Plan,
    prompter: Prompter,
    conversation: Conversation,
    prompt: Prompt,
    written: Written | None = None,
) -> ContextCompacted:
    """Return the fact that a plan becomes, with the summary that was written, if one was."""
    compacted = ContextCompacted(
        agent=conversation.agent,
        model=written.completion.model if written and written.text else "",
        aged=plan.aged,
        hidden=plan.hidden,
        shortened=tuple(Shortened(key=key, kept_bytes=size) for key, size in plan.shortened),
        summary=written.text if written else "",
        hidden_messages=len(plan.hidden),
        tokens_before=prompt.used_tokens,
        task_id=conversation.task_id,
    )
    compactions = (*conversation.compactions, compacted)
    after = prompter.prompt(msgspec.structs.replace(conversation, compactions=compactions))
    return msgspec.structs.replace(
        compacted,
        tokens_after=after.used_tokens,
        hidden_through_seq=_hidden_through(conversation.said, compactions),
    )


def _hidden_through(said: Sequence[Said], compactions: Sequence[ContextCompacted]) -> int:
    """Return the place in the log up to which everything is hidden, as far as it is known."""
    hidden = context.view_of(compactions).hidden
    seq = max((one.hidden_through_seq for one in compactions), default=0)
    for one in said:
        if one.key not in hidden or not one.seq:
            break
        seq = max(seq, one.seq)
    return seq
