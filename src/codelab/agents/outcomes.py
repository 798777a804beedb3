"""What an agent is told of a call that did not simply run."""

from __future__ import annotations

import msgspec

from codelab.hitl.api import POLICY, ApprovalRecord
from codelab.sdk.messages import ToolCall
from codelab.sdk.tool import ToolResult
from codelab.sessions.api import Task
from codelab.sessions.events import Question, ToolCallCompleted
from codelab.tools.api import bounded

OUTCOME_UNKNOWN = (
    "Outcome unknown: this call was started, and the server stopped before it could note the "
    "result. Look at the current state before you decide what to do."
)
_NOT_AGAIN = "It was not run again."


def failed(task: Task, call: ToolCall, output: str, *, invalid: bool = False) -> ToolCallCompleted:
    """Give a call its result without having run it.

    Args:
        task: The task that the call belongs to.
        call: The call.
        output: Why, for the agent.
        invalid: Whether the model wrote something unusable and may mend it.
    """
    return result_of(task, call, ToolResult(output=output, ok=False), invalid=invalid)


def result_of(
    task: Task,
    call: ToolCall,
    result: ToolResult,
    *,
    duration_ms: int = 0,
    invalid: bool = False,
    refused: bool = False,
) -> ToolCallCompleted:
    """Write a call's result down, never more of it than a model may be given.

    Args:
        task: The task that the call belongs to.
        call: The call.
        result: What became of it.
        duration_ms: How long it took.
        invalid: Whether the model wrote something unusable and may mend it.
        refused: Whether a human did not let it run.
    """
    result = bounded(result)
    return ToolCallCompleted(
        call_id=call.id,
        tool=call.name,
        ok=result.ok,
        output=result.output,
        truncated=result.truncated,
        duration_ms=duration_ms,
        invalid_arguments=invalid,
        refused=refused,
        task_id=task.id,
    )


def refusal(question: Question, approval: ApprovalRecord) -> ToolResult:
    """Say that a human did not let a call run, or not again."""
    said = f"The user refused this and said: {approval.feedback}" if approval.feedback else ""
    if question == "retry":
        return ToolResult(ok=False, output=f"{OUTCOME_UNKNOWN} {_NOT_AGAIN} {said}".strip())
    if approval.status == "timeout":
        text = "Nobody answered in time, so this was not done. Say what you wanted to do and why."
    else:
        text = said or (
            "The user refused this. Do not try the same again; ask or choose another way."
        )
    return ToolResult(ok=False, output=text)


def after_answer(result: ToolResult, approval: ApprovalRecord | None) -> ToolResult:
    """Tell with a result what the human changed of the call, and what they said with their yes."""
    if approval is None:
        return result
    told = [result.output]
    if approval.edit_diff:
        told.append(f"The user changed this before approving it:\n{approval.edit_diff}")
    elif approval.edited_parameters is not None:
        told.append("The user approved this for the file as it had become meanwhile.")
    if approval.feedback and approval.responded_by != POLICY:
        told.append(f"The user approved this and said: {approval.feedback}")
    return msgspec.structs.replace(result, output="\n\n".join(told))


def not_done(question: Question, why: str) -> str:
    """Say why a call did not run, or not again after it may have run once."""
    if question == "run":
        return why
    return f"{OUTCOME_UNKNOWN} {_NOT_AGAIN} It could not be: {why}"
