"""A turn as a state machine over its facts: living through them and replaying them is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from codelab.sdk.messages import Message, ToolCall
from codelab.sdk.model import Usage
from codelab.sessions.attachments import written_out
from codelab.sessions.conversation import Said, attach, said_by
from codelab.sessions.events import (
    INTERRUPTED,
    ROOT_TASK,
    AgentChosen,
    AnswerRestarted,
    AnyFact,
    AssistantMessageCompleted,
    CheckpointMissed,
    CheckpointTaken,
    ContentAttached,
    ContextCompacted,
    PlanStep,
    PlanUpdated,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
    UserMessageReceived,
)


@dataclass(slots=True)
class Task:
    """One agent's part of a turn: the turn itself, or a delegated sub-task."""

    id: str
    agent: str = ""
    said: list[Said] = field(default_factory=list)
    compactions: list[ContextCompacted] = field(default_factory=list)
    requested: dict[str, ToolCallRequested] = field(default_factory=dict)
    open_calls: dict[str, ToolCall] = field(default_factory=dict)
    # The files with the project's instructions that it was shown.
    instructed: set[str] = field(default_factory=set)
    depth: int = 0
    steps: int = 0
    # How many messages in a row had tool calls and not one that could be used.
    invalid_arguments: int = 0
    usable_call: bool = False
    # How often the present step's answer was asked for again.
    restarts: int = 0
    last_message_id: str = ""
    last_text: str = ""
    answered: bool = False
    failure: TurnFailed | None = None

    @property
    def messages(self) -> list[Message]:
        """What was said in this task, in order."""
        return [one.message for one in self.said]

    @property
    def over(self) -> bool:
        """Whether the agent has given its final answer, or failed."""
        return self.failure is not None or (self.answered and not self.open_calls)


@dataclass(slots=True)
class TurnState:
    """Everything that a turn's facts say about it."""

    turn_id: str
    request: str = ""
    user_name: str = ""
    wanted_agent: str | None = None
    wanted_model: str | None = None
    # What the project tells everybody who works on it.
    instructions: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    plan: tuple[PlanStep, ...] = ()
    usage: Usage = field(default_factory=Usage)
    checkpoints: list[CheckpointTaken] = field(default_factory=list)
    missed_checkpoint: bool = False
    ended: TurnEnded | None = None

    @property
    def root(self) -> Task:
        """The turn's own task."""
        return self.task(ROOT_TASK)

    def task(self, task_id: str) -> Task:
        """Return a task, new if nothing was said of it yet."""
        return self.tasks.setdefault(task_id, Task(task_id))

    def open_calls(self) -> Iterator[tuple[Task, ToolCall]]:
        """Go through the calls without a result, each with its task."""
        for task in self.tasks.values():
            for call in task.open_calls.values():
                yield task, call

    def apply(self, fact: AnyFact) -> None:
        """Take one more fact into account."""
        match fact:
            case UserMessageReceived():
                self._open(fact)
            case AgentChosen():
                self._choose(fact)
            case PlanUpdated():
                self.plan = fact.steps
            case AssistantMessageCompleted():
                self._answer(fact)
            case AnswerRestarted():
                self.task(fact.task_id).restarts += 1
            case ToolCallRequested():
                self.task(fact.task_id).requested[fact.call_id] = fact
            case ToolCallCompleted():
                self._complete(fact)
            case UsageRecorded():
                self.usage = self.usage.plus(fact.usage)
            case ContentAttached() | ContextCompacted():
                self._show(fact)
            case CheckpointTaken() | CheckpointMissed():
                self._keep(fact)
            case TurnFailed() | TurnEnded():
                self._close(fact)

    def _close(self, fact: TurnFailed | TurnEnded) -> None:
        if isinstance(fact, TurnEnded):
            self.ended = fact
        else:
            self.task(fact.task_id).failure = fact

    def _keep(self, fact: CheckpointTaken | CheckpointMissed) -> None:
        if isinstance(fact, CheckpointTaken):
            self.checkpoints.append(fact)
        else:
            self.missed_checkpoint = True

    def _open(self, fact: UserMessageReceived) -> None:
        self.request = fact.text
        self.user_name = fact.by
        self.wanted_agent = fact.agent
        self.wanted_model = fact.model
        self._say(self.root, fact)

    def _show(self, fact: ContentAttached | ContextCompacted) -> None:
        """Change what a task's model is shown."""
        task = self.task(fact.task_id)
        if isinstance(fact, ContextCompacted):
            task.compactions.append(fact)
        elif fact.to:
            attach(task.said, fact)
            # A piece of a file does not stand for all of it.
            task.instructed.update(one.path for one in fact.attachments if one.kind != "found")
        else:
            self.instructions = written_out(fact.attachments, "")

    def _choose(self, fact: AgentChosen) -> None:
        task = self.task(fact.task_id)
        task.agent = fact.agent
        for parent in self.tasks.values():
            if fact.task_id in parent.open_calls:
                task.depth = parent.depth + 1
        self._say(task, fact)

    def _answer(self, fact: AssistantMessageCompleted) -> None:
        task = self.task(fact.task_id)
        if fact.finish_reason == INTERRUPTED:
            # It is shown and stays in the log; for the turn the answer is still to come.
            task.last_message_id = fact.message_id
            return
        task.steps += 1
        task.restarts = 0
        self._say(task, fact)
        task.open_calls = {call.id: call for call in fact.tool_calls}
        task.usable_call = False
        task.last_message_id = fact.message_id
        task.last_text = fact.text
        task.answered = not fact.tool_calls

    def _complete(self, fact: ToolCallCompleted) -> None:
        task = self.task(fact.task_id)
        if task.open_calls.pop(fact.call_id, None) is None:
            return
        self._say(task, fact)
        task.usable_call = task.usable_call or not fact.invalid_arguments
        if not task.open_calls:
            task.invalid_arguments = 0 if task.usable_call else task.invalid_arguments + 1

    def _say(self, task: Task, fact: AnyFact) -> None:
        said = said_by(fact)
        if said is not None:
            task.said.append(said)


def replay(turn_id: str, facts: Iterable[AnyFact]) -> TurnState:
    """Rebuild a turn from its facts."""
    state = TurnState(turn_id)
    for fact in facts:
        state.apply(fact)
    return state
