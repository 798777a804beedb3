"""A turn while it is carried forward here: its state, and the effects the loop may have."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from codelab.agents.checkpoints.keeping import Keeper
from codelab.agents.conversations import conversation_with
from codelab.agents.counting import TokenCounter
from codelab.agents.guards import worked_s
from codelab.agents.prompting import Conversation, Prompter
from codelab.agents.registry import AgentRegistry
from codelab.agents.spending import noted_in
from codelab.hitl.api import ApprovalRecord, Hitl
from codelab.kit.bus import Bus
from codelab.kit.clock import utc_now
from codelab.kit.db import Database, Transaction
from codelab.kit.errors import CodeLabError, DatabaseUnavailable
from codelab.llm.api import Attribution, Models, Waiting
from codelab.llm.errors import ModelError
from codelab.retrieval.api import Retrieval
from codelab.sdk.agent import Agent
from codelab.sdk.model import Completion, Delta, ModelRequest
from codelab.sdk.retrieval import CodeSearch
from codelab.sdk.tool import ToolContext
from codelab.sdk.workspace import Workspace
from codelab.sessions.api import Earlier, Lease, Task, Turns, TurnState, replay
from codelab.sessions.events import (
    CANCELLED,
    INTERRUPTED,
    AnyFact,
    AssistantMessageCompleted,
    Entry,
    ModelAwaited,
    SessionState,
    SessionStateChanged,
    TokenStreamed,
    ToolOutputStreamed,
    UsageRecorded,
)
from codelab.tools.api import PreparedCall, Tools

# Below the length of a lease: behind it somebody else decides.
_PATIENCE_S = 8.0
_PAUSE_S = 0.3


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What every turn works with."""

    db: Database
    bus: Bus
    turns: Turns
    models: Models
    tools: Tools
    hitl: Hitl
    agents: AgentRegistry
    keeper: Keeper | None = None
    retrieval: Retrieval | None = None
    gathered_pieces: int = 6
    counter: TokenCounter = msgspec.field(default_factory=TokenCounter)
    context_tokens: int = 100_000
    max_steps: int = 50
    turn_time_s: float = 3600.0


class LiveTurn:
    """One turn in the hands of this replica.

    Args:
        services: What every turn works with.
        held: The lease under which everything is written.
    """

    def __init__(self, services: Services, held: Lease) -> None:
        self.services = services
        self.held = held
        self.state = TurnState(held.turn_id)
        self.workspace: Workspace
        self.earlier = Earlier()
        self.prompter = Prompter(services.counter, services.context_tokens)
        self.prepared: dict[str, PreparedCall] = {}
        # Messages that were shown and are not in the log yet, by message id.
        self.unfinished: dict[str, AssistantMessageCompleted] = {}
        # What calls have used and the log may not hold yet, by the message they were to write.
        self.unrecorded: dict[str, list[UsageRecorded]] = {}
        # What calls have changed and the log does not hold yet, by call.
        self.unkept: dict[str, AnyFact] = {}
        # Held while something is changed, and while the plan is.
        self.changing = asyncio.Lock()
        self.planning = asyncio.Lock()
        # The project as its user sees it; the agents' eyes see less.
        self.users_view: Callable[[], Awaitable[Workspace]]
        # Held while the project's instructions are looked for, and where there were none.
        self.instructing = asyncio.Lock()
        self.without_instructions: set[str] = set()
        self._is_first = False
        self._writing: set[asyncio.Future[None]] = set()
        self._opened_at = utc_now()
        # Before this replica took it up.
        self.worked_s = 0.0

    async def load(self, entries: Sequence[Entry] = ()) -> Sequence[Entry]:
        """Rebuild the turn from its entries: the given ones if they are all, or the log's."""
        turns, held = self.services.turns, self.held
        entries = entries or await turns.entries(held.session_id, held.turn_id)
        self.state = replay(held.turn_id, (entry.fact for entry in entries))
        self.worked_s = worked_s(entries)
        # There are none when the session was deleted meanwhile.
        if entries:
            self._opened_at, self._is_first = entries[0].at, entries[0].seq == 1
        return entries

    async def recall(self, entries: Sequence[Entry] = ()) -> None:
        """Rebuild the turn, and read what was said in the session's earlier ones."""
        await self.load(entries)
        if self._is_first:
            return
        turns, held = self.services.turns, self.held
        self.earlier = await turns.earlier(held.session_id, held.turn_id)

    def agent(self, task: Task) -> Agent:
        """Return the agent that works on a task."""
        return self.services.agents.get(task.agent)

    async def record(self, *facts: AnyFact) -> None:
        """Commit facts to the log, then take them into account."""
        async with self.services.db.transaction() as tx:
            await self.write(tx, facts)
        self.take_in(facts)

    async def record_surely(self, *facts: AnyFact) -> None:
        """Like `record`, but a cancellation meanwhile does not undo it.

        What a tool has done must not be separated from its record.
        """
        await self.surely(self._record_patiently(facts))

    async def surely(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what a cancellation meanwhile must not undo; who ends the turn waits for it."""
        doing = asyncio.ensure_future(work)
        self._writing.add(doing)
        doing.add_done_callback(self._writing.discard)
        try:
            await asyncio.shield(doing)
        finally:
            # An error keeps this frame, which must not keep the error.
            del doing

    async def _record_patiently(self, facts: Sequence[AnyFact]) -> None:
        """Record as soon as the database answers, while the lease may still be ours."""
        turns, held = self.services.turns, self.held
        until = time.monotonic() + _PATIENCE_S
        tries = 0
        while True:
            try:
                if tries:
                    # The commit may have gone through, and only its confirmation was lost.
                    entries = await turns.entries(held.session_id, held.turn_id)
                    if all(fact in [entry.fact for entry in entries] for fact in facts):
                        self.take_in(facts)
                        return
                await self.record(*facts)
                return
            except DatabaseUnavailable:
                if time.monotonic() > until:
                    raise
                tries += 1
                await asyncio.sleep(_PAUSE_S)

    async def retried(
        self, commit: Callable[[], Awaitable[Sequence[AnyFact]]], mark: AnyFact | None
    ) -> Sequence[AnyFact]:
        """Commit as soon as the database answers, while the lease may still be ours.

        Args:
            commit: Writes facts in one transaction, and returns them.
            mark: One of them, by which the log tells whether a commit went through of which only
                the confirmation was lost; then whoever takes the turn up goes on from there.

        Raises:
            DatabaseUnavailable: It did not, or it went through.
        """
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return await commit()
            except DatabaseUnavailable:
                if time.monotonic() > until or await self._has_logged(mark):
                    raise
                await asyncio.sleep(_PAUSE_S)

    async def _has_logged(self, fact: AnyFact | None) -> bool:
        turns, held = self.services.turns, self.held
        with contextlib.suppress(DatabaseUnavailable):
            entries = await turns.entries(held.session_id, held.turn_id)
            return fact in [entry.fact for entry in entries]
        return False

    async def settle_writes(self) -> None:
        """Wait for the records that a cancellation has left behind."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def write(self, tx: Transaction, facts: Sequence[AnyFact]) -> None:
        """Append facts in a transaction of the caller, who takes them in after its commit."""
        await self.services.turns.append(
            tx, self.held.session_id, self.held.turn_id, facts, held=self.held
        )

    def take_in(self, facts: Sequence[AnyFact]) -> None:
        """Apply committed facts to the state."""
        for fact in facts:
            self.state.apply(fact)

    async def approvals(self) -> dict[str, ApprovalRecord]:
        """Return the newest approval of each call of this turn."""
        return await self.services.hitl.for_turn(self.held.turn_id)

    def show(self, state: SessionState, agent: str = "") -> None:
        """Tell clients what the session does right now."""
        self.services.bus.publish(
            SessionStateChanged(session_id=self.held.session_id, state=state, agent=agent)
        )

    def code(self) -> CodeSearch | None:
        """Return what searches the project with the agents' eyes, if anything does, and at once."""
        retrieval = self.services.retrieval
        return retrieval.code(self.held.workspace_id, self.workspace) if retrieval else None

    def tool_context(self, task: Task, call_id: str) -> ToolContext:
        """Describe where a tool call runs."""
        held, retrieval = self.held, self.services.retrieval
        session_id, publish = held.session_id, self.services.bus.publish

        def on_output(text: str) -> None:
            publish(ToolOutputStreamed(session_id=session_id, call_id=call_id, text=text))

        return ToolContext(
            workspace=self.workspace,
            session_id=session_id,
            user_id=self.held.user_id,
            user_name=self.state.user_name,
            agent=task.agent,
            on_output=on_output,
            read_only=not self.services.tools.may_write(self.agent(task)),
            code=retrieval.code_for_agents(held.workspace_id, self.workspace)
            if retrieval
            else None,
        )

    def changed(self, paths: Sequence[str]) -> None:
        """Tell the index what a call has changed; without any path, it may be anything."""
        if self.services.retrieval:
            self.services.retrieval.changed(self.held.workspace_id, paths)

    def attribution(self, task: Task) -> Attribution:
        """Say on whose account the task's model is asked."""
        return Attribution(
            session_id=self.held.session_id,
            user_id=self.held.user_id,
            turn_id=self.held.turn_id,
            agent=task.agent,
        )

    async def stream(self, task: Task, request: ModelRequest, message_id: str) -> Completion:
        """Ask the task's model; what was written when it breaks off is kept as unfinished."""
        attribution = self.attribution(task)
        draft = _Draft(self.services.bus, self.held.session_id, task, message_id)
        used = self.unrecorded.setdefault(message_id, [])
        on_usage = noted_in(used, agent=task.agent, task_id=task.id)
        try:
            return await self.services.models.stream(
                request,
                draft.add,
                attribution=attribution,
                on_waiting=lambda waiting: self.awaits(task, waiting),
                on_usage=on_usage,
            )
        except BaseException as error:
            if draft.text:
                self.unfinished[message_id] = draft.broken_off(request.model, error)
            if used and not isinstance(error, asyncio.CancelledError):
                # A task may fail and its turn go on, on another replica even.
                await self.record_surely(*used)
                used.clear()
            raise

    def awaits(self, task: Task, waiting: Waiting) -> None:
        """Tell whoever watches why an answer takes longer."""
        self.services.bus.publish(
            ModelAwaited(
                session_id=self.held.session_id,
                agent=task.agent,
                model=waiting.model,
                reason=waiting.reason,
                until=waiting.until,
                task_id=task.id,
            )
        )

    def next_model(self, task: Task) -> str:
        """Return the model that is asked next for a task's agent."""
        agent, wanted = self.agent(task), self.state.wanted_model or self.held.session_model
        models = self.services.models
        return models.preferred(models.resolve(agent.model, wanted, agent=agent.name), agent.name)

    def elapsed_ms(self) -> int:
        """Return the milliseconds since the user asked, wherever the turn has been meanwhile."""
        return max(0, round((utc_now() - self._opened_at) / timedelta(milliseconds=1)))

    def conversation(self, task: Task) -> Conversation:
        """Return everything that the prompt of a task is made of."""
        is_root = task is self.state.root
        earlier = self.earlier if is_root else Earlier()
        return conversation_with(
            self.services.models,
            self.services.tools,
            self.services.agents,
            self.agent(task),
            model=self.state.wanted_model or self.held.session_model,
            sandbox=self.workspace.sandbox_layer(),
            network=self.workspace.network(),
            said=(*earlier.said, *task.said),
            compactions=(*earlier.compactions, *task.compactions),
            # The request, or the sub-task that was handed over.
            pinned=frozenset(one.key for one in task.said[:1]),
            task_id=task.id,
            instructions=self.state.instructions,
        )


class _Draft:
    """A message while it is written."""

    def __init__(self, bus: Bus, session_id: str, task: Task, message_id: str) -> None:
        self._publish = bus.publish
        self._session_id = session_id
        self._task = task
        self._message_id = message_id
        self._pieces: list[str] = []
        self._written = 0

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, delta: Delta) -> None:
        """Publish one piece."""
        if delta.text:
            self._pieces.append(delta.text)
            self._token(delta.text, self._written, reasoning=False)
            self._written += len(delta.text)
        if delta.reasoning:
            self._token(delta.reasoning, 0, reasoning=True)

    def broken_off(self, asked: str, error: BaseException) -> AssistantMessageCompleted:
        """Return what was written so far as a message that is not finished."""
        model = error.begun_by if isinstance(error, ModelError) else ""
        return AssistantMessageCompleted(
            message_id=self._message_id,
            agent=self._task.agent,
            model=model or asked,
            text=self.text,
            finish_reason=INTERRUPTED if isinstance(error, CodeLabError) else CANCELLED,
            task_id=self._task.id,
        )

    def _token(self, text: str, offset: int, *, reasoning: bool) -> None:
        self._publish(
            TokenStreamed(
                session_id=self._session_id,
                message_id=self._message_id,
                agent=self._task.agent,
                text=text,
                offset=offset,
                reasoning=reasoning,
                task_id=self._task.id,
            )
        )
