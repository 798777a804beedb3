"""The calls by which an agent steers the turn itself: delegating a sub-task, keeping a plan."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from codelab.sdk.agent import Agent
from codelab.sdk.messages import ToolCall
from codelab.sdk.model import ToolSpec
from codelab.sessions.events import PlanStep, StepStatus

DELEGATE = "delegate"
PLAN = "update_plan"
NAMES = frozenset({DELEGATE, PLAN})

S = TypeVar("S", bound=msgspec.Struct)


class DelegateArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sub-task for another agent, which sees nothing but this text."""

    agent: Annotated[str, Meta(description="The agent that shall do it.")]
    task: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=20_000,
            description="The whole task: what to do, where, what is known, what to report back.",
        ),
    ]
    step: Annotated[str, Meta(description="The id of the plan's step that this is, if any.")] = ""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of the plan."""

    id: Annotated[str, Meta(min_length=1, max_length=40, description="A short identifier.")]
    title: Annotated[str, Meta(min_length=1, max_length=300, description="What will be done.")]
    agent: Annotated[str, Meta(description="Which agent does it.")] = ""
    status: StepStatus = "pending"


class PlanArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole plan as it stands now."""

    steps: Annotated[list[PlannedStep], Meta(min_length=1, max_length=50)]


def specs_for(
    agent: Agent, others: tuple[Agent, ...], *, sub_task: bool = False
) -> tuple[ToolSpec, ...]:
    """Return the control calls that an agent may make, as its model sees them.

    Args:
        agent: The agent.
        others: All agents there are.
        sub_task: Whether it works on a sub-task: the plan belongs to the turn itself.
    """
    reachable = [other for other in others if agent.may_delegate_to(other.name)]
    specs = []
    if reachable:
        team = "; ".join(f"{other.name}: {other.description}" for other in reachable)
        specs.append(
            ToolSpec(
                name=DELEGATE,
                description=(
                    "Hand a self-contained sub-task to another agent and get its report. "
                    "Several calls in one message run at the same time, so make them "
                    f"independent of each other. Agents: {team}"
                ),
                parameters=_schema(DelegateArguments),
            )
        )
    if agent.plans and not sub_task:
        specs.append(
            ToolSpec(
                name=PLAN,
                description=(
                    "Show the user your plan, or an update of it. Always send all steps with "
                    "their status. A delegated step is ticked by itself when you name it in "
                    "the call's `step`."
                ),
                parameters=_schema(PlanArguments),
            )
        )
    return tuple(specs)


def decode(call: ToolCall, arguments: type[S]) -> S:
    """Read a control call's arguments.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: The text says what to mend.
    """
    return msgspec.json.decode(call.arguments or "{}", type=arguments)


def plan_steps(arguments: PlanArguments) -> tuple[PlanStep, ...]:
    """Turn the model's plan into the session's."""
    return tuple(
        PlanStep(id=step.id, title=step.title, agent=step.agent, status=step.status)
        for step in arguments.steps
    )


def with_status(
    plan: tuple[PlanStep, ...], step_id: str, status: StepStatus
) -> tuple[PlanStep, ...]:
    """Return the plan with one step's status changed."""
    return tuple(
        msgspec.structs.replace(step, status=status) if step.id == step_id else step
        for step in plan
    )


@lru_cache
def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([arguments], ref_template="{name}")
    inlined = _inline(schema, components)
    return inlined if isinstance(inlined, dict) else {}


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inline(components[schema["$ref"]], components)
        return {
            key: _inline(value, components)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_inline(item, components) for item in schema]
    return schema
