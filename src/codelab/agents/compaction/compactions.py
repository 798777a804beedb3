"""Compaction when a user asks for it, between turns; and its undoing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from codelab.agents.budget import tightened
from codelab.agents.compaction.compacting import compact
from codelab.agents.conversations import conversation_with
from codelab.agents.errors import NothingToCompact
from codelab.agents.live import Services
from codelab.agents.prompting import Conversation, Prompter
from codelab.agents.routing import route
from codelab.agents.spending import Used
from codelab.auth.api import Principal
from codelab.llm.api import Attribution
from codelab.sessions.api import SessionRecord, Sessions
from codelab.sessions.errors import TurnInProgress
from codelab.sessions.events import ContextCompacted, Entry
from codelab.workspace.api import Workspaces


class Compaction(msgspec.Struct, frozen=True, kw_only=True):
    """What was hidden from the model at one time; `seq` is what undoing it names.

    Without a `model` no summary was written. `in_force` is false once it was undone.
    """

    seq: int
    at: datetime
    agent: str
    model: str
    hidden_messages: int
    aged_results: int
    tokens_before: int
    tokens_after: int
    summary: str
    in_force: bool


class Compactions:
    """What users may do about the part of a session that its models are shown.

    Args:
        services: What turns work with.
        sessions: The sessions.
        workspaces: Tell how commands run, which is in every prompt.
    """

    def __init__(self, services: Services, sessions: Sessions, workspaces: Workspaces) -> None:
        self._services = services
        self._sessions = sessions
        self._workspaces = workspaces

    async def list_for(self, principal: Principal, session_id: str) -> list[Compaction]:
        """Return the compactions of the user's session, oldest first."""
        record = await self._sessions.get(principal, session_id)
        found = await self._sessions.between.compactions(record.id)
        return [_described(entry, in_force=active) for entry, active in found]

    async def compact(self, principal: Principal, session_id: str) -> Compaction:
        """Hide now what is older than the newest part, and have it summarised.

        Raises:
            SessionNotFound: There is no such session for this user.
            TurnInProgress: A turn is being worked on, or began meanwhile.
            NothingToCompact: There is too little to hide.
        """
        record = await self._sessions.get(principal, session_id)
        if record.active_turn_id:
            raise TurnInProgress("This session is still working on your last message.")
        services = self._services
        await services.models.discovered()
        conversation = await self._conversation(record)
        prompter = Prompter(services.counter, services.context_tokens)
        prompt = prompter.prompt(conversation)
        limits = tightened(prompt.limits, prompt.used_tokens, prompt.fixed)
        attribution = Attribution(
            user_id=principal.user_id, session_id=session_id, agent=conversation.agent
        )
        used: Used = []
        compacted = await compact(
            services.models, prompter, conversation, prompt, limits, attribution, used
        )
        if compacted is None:
            raise NothingToCompact("This conversation is too short for anything to be hidden.")
        numbered = await self._sessions.between.append(record, (*used, compacted))
        return _described(numbered[-1], in_force=True)

    async def restore(self, principal: Principal, session_id: str, seq: int) -> None:
        """Undo a compaction, and with it all later ones.

        Raises:
            SessionNotFound: There is no such session for this user.
            CompactionNotFound: There is no such compaction, or it is undone already.
            TurnInProgress: A turn is being worked on.
        """
        record = await self._sessions.get(principal, session_id)
        await self._sessions.between.restore(record, seq, by=principal.name)

    async def _conversation(self, record: SessionRecord) -> Conversation:
        services = self._services
        earlier = await services.turns.earlier(record.id)
        chosen = route(
            "",
            services.agents.all(),
            wanted=earlier.agent,
            session_agent=record.agent,
        )
        workspace = await self._workspaces.open(record.workspace_id)
        return conversation_with(
            services.models,
            services.tools,
            services.agents,
            services.agents.get(chosen.agent),
            model=record.model,
            sandbox=workspace.sandbox_layer(),
            network=workspace.network(),
            said=earlier.said,
            compactions=earlier.compactions,
        )


def _described(entry: Entry, *, in_force: bool) -> Compaction:
    fact = entry.fact
    if not isinstance(fact, ContextCompacted):
        raise TypeError(f"{type(fact).__name__} hides nothing")
    return Compaction(
        seq=entry.seq,
        at=entry.at,
        agent=fact.agent,
        model=fact.model,
        hidden_messages=fact.hidden_messages,
        aged_results=len(fact.aged),
        tokens_before=fact.tokens_before,
        tokens_after=fact.tokens_after,
        summary=fact.summary,
        in_force=in_force,
    )
