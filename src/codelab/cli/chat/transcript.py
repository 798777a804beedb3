"""What the frames of a session add up to: pure state, no terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from codelab.cli.chat.frames import Frame


@dataclass(slots=True)
class Answer:
    """An assistant's message while it is written and after."""

    message_id: str
    agent: str = ""
    text: str = ""


@dataclass(slots=True)
class Call:
    """A tool call and how far it has come; `shortened` if the frame could not hold all of it."""

    call_id: str
    tool: str
    agent: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    risk: str = ""
    preview: str = ""
    reason: str = ""
    layer: str = ""
    approval_id: str | None = None
    expires_at: str = ""
    shortened: bool = False
    status: Literal["running", "waiting", "done"] = "running"


@dataclass(slots=True, frozen=True)
class Note:
    """Something to print once, in the order in which it happened.

    Args:
        kind: Which of the kinds of things it is; `render` knows how each looks.
        frame: The frame that brought it.
        answer: The finished message, for `answer`.
        call: The tool call, for `call`, `result` and `approval`.
    """

    kind: Literal[
        "user",
        "agent",
        "answer",
        "broken_off",
        "restarted",
        "waiting",
        "call",
        "result",
        "approval",
        "plan",
        "compacted",
        "attached",
        "checkpoint_missed",
        "checkpoint_restored",
        "error",
        "done",
    ]
    frame: Frame
    answer: Answer | None = None
    call: Call | None = None


@dataclass(slots=True)
class Transcript:
    """A session as its client knows it."""

    session_id: str
    state: str = "idle"
    agent: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    context_tokens: int = 0
    context_budget: int = 0
    last_seq: int = 0
    epoch: int = 0
    busy: bool = False
    stop_reason: str = ""
    asked_as: str | None = None
    writing: dict[str, Answer] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    plan: list[dict[str, Any]] = field(default_factory=list)

    @property
    def waiting(self) -> list[Call]:
        """Return the calls that wait for a human, the oldest first."""
        return [call for call in self.calls.values() if call.status == "waiting"]

    @property
    def running(self) -> list[Call]:
        """Return the calls that run now."""
        return [call for call in self.calls.values() if call.status == "running"]

    def asked(self, mark: str | None) -> None:
        """Note that this client sent a message (its frame's `id`), whose turn is now awaited."""
        self.busy = True
        self.stop_reason = ""
        self.asked_as = mark

    def apply(self, frame: Frame) -> Note | None:
        """Take one more frame into account; return what is to be printed of it."""
        if frame.session_id not in (None, self.session_id):
            return None
        if frame.seq is not None:
            if frame.epoch == self.epoch and frame.seq <= self.last_seq:
                return None
            self.last_seq, self.epoch = frame.seq, frame.epoch or self.epoch
        handler = _HANDLERS.get(frame.type)
        return handler(self, frame) if handler else None

    def forget(self) -> None:
        """Start over, because the server cannot say what was missed."""
        self.last_seq = 0
        self.epoch = 0
        self.writing.clear()
        self.calls.clear()
        self.plan.clear()

    def _state(self, frame: Frame) -> None:
        self.state = frame.text("state") or self.state
        self.agent = frame.text("agent") or self.agent

    def _agent(self, frame: Frame) -> Note:
        self.agent = frame.text("to")
        return Note("agent", frame)

    def _token(self, frame: Frame) -> None:
        if frame.data.get("reasoning") is True:
            return
        answer = self._answer(frame)
        offset = frame.data.get("offset")
        # A piece that was seen before, or that follows a gap, waits for the whole message.
        if not isinstance(offset, int) or offset == len(answer.text):
            answer.text += frame.text("text")

    def _message(self, frame: Frame) -> Note | None:
        if frame.text("role") == "user":
            self.busy = True
            return Note("user", frame)
        answer = self._answer(frame)
        self.writing.pop(answer.message_id, None)
        answer.text = frame.text("text")
        self.model = frame.text("model") or self.model
        whole = frame.text("finish_reason") != "interrupted"
        kind: Literal["answer", "broken_off"] = "answer" if whole else "broken_off"
        return Note(kind, frame, answer=answer) if answer.text.strip() else None

    def _restarted(self, frame: Frame) -> Note:
        self.writing.pop(frame.text("message_id"), None)
        return Note("restarted", frame)

    def _waiting(self, frame: Frame) -> Note:
        return Note("waiting", frame)

    def _answer(self, frame: Frame) -> Answer:
        message_id = frame.text("message_id")
        return self.writing.setdefault(message_id, Answer(message_id, frame.text("agent")))

    def _tool_call(self, frame: Frame) -> Note:
        parameters = frame.data.get("parameters")
        call = Call(
            call_id=frame.text("call_id"),
            tool=frame.text("tool"),
            agent=frame.text("agent"),
            parameters=parameters if isinstance(parameters, dict) else {},
            risk=frame.text("risk"),
            preview=frame.text("preview"),
            reason=frame.text("reason"),
            layer=frame.text("layer"),
            approval_id=frame.text("approval_id") or None,
            expires_at=frame.text("expires_at"),
            shortened=frame.data.get("shortened") is True,
            status="waiting" if frame.data.get("requires_approval") is True else "running",
        )
        self.calls[call.call_id] = call
        return Note("call", frame, call=call)

    def _approval(self, frame: Frame) -> Note | None:
        for call in self.calls.values():
            if call.approval_id == frame.text("approval_id"):
                call.status = "running" if frame.text("status") == "approved" else "done"
                return Note("approval", frame, call=call)
        return None

    def _tool_result(self, frame: Frame) -> Note:
        call = self.calls.pop(frame.text("call_id"), None)
        if call is not None:
            call.status = "done"
        return Note("result", frame, call=call)

    def _plan(self, frame: Frame) -> Note:
        steps = frame.data.get("steps")
        self.plan = [step for step in steps if isinstance(step, dict)] if steps else []
        return Note("plan", frame)

    def _usage(self, frame: Frame) -> None:
        self.input_tokens += int(frame.number("input_tokens"))
        self.output_tokens += int(frame.number("output_tokens"))
        self.cost_usd += frame.number("cost_usd")
        self.model = frame.text("model") or self.model

    def _compacted(self, frame: Frame) -> Note:
        return Note("compacted", frame)

    def _attached(self, frame: Frame) -> Note:
        return Note("attached", frame)

    def _checkpoint_missed(self, frame: Frame) -> Note:
        return Note("checkpoint_missed", frame)

    def _checkpoint_restored(self, frame: Frame) -> Note:
        return Note("checkpoint_restored", frame)

    def _context(self, frame: Frame) -> None:
        if not frame.text("task_id"):
            self.context_tokens = int(frame.number("used_tokens"))
            self.context_budget = int(frame.number("budget_tokens"))

    def _error(self, frame: Frame) -> Note:
        if frame.id is not None and frame.id == self.asked_as:
            # The server refused the message: there is no turn to wait for.
            self.busy = False
            self.stop_reason = "error"
        return Note("error", frame)

    def _done(self, frame: Frame) -> Note:
        self.busy = False
        self.state = "idle"
        self.stop_reason = frame.text("stop_reason")
        self.writing.clear()
        self.calls.clear()
        self.plan.clear()
        return Note("done", frame)


_HANDLERS = {
    "state": Transcript._state,
    "agent": Transcript._agent,
    "token": Transcript._token,
    "message": Transcript._message,
    "restarted": Transcript._restarted,
    "waiting_for_model": Transcript._waiting,
    "tool_call": Transcript._tool_call,
    "approval": Transcript._approval,
    "tool_result": Transcript._tool_result,
    "plan": Transcript._plan,
    "usage": Transcript._usage,
    "context": Transcript._context,
    "compacted": Transcript._compacted,
    "attached": Transcript._attached,
    "checkpoint_missed": Transcript._checkpoint_missed,
    "checkpoint_restored": Transcript._checkpoint_restored,
    "error": Transcript._error,
    "done": Transcript._done,
}
