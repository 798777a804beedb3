"""The control calls: what models see of them, and how a plan changes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.agents import control
from codelab.agents.builtin.plugin import register_agents
from codelab.sdk.messages import ToolCall
from codelab.sessions.events import PlanStep

AGENTS = {agent.name: agent for agent in register_agents()}


def names(agent: str) -> set[str]:
    return {spec.name for spec in control.specs_for(AGENTS[agent], tuple(AGENTS.values()))}


def test_agents_get_the_control_calls_they_may_make() -> None:
    assert names("orchestrator") == {"delegate", "update_plan"}
    assert names("debug") == {"delegate"}
    assert names("ask") == set()


def test_the_schema_is_self_contained_and_keeps_properties_named_title() -> None:
    (_, plan) = control.specs_for(AGENTS["orchestrator"], tuple(AGENTS.values()))
    text = msgspec.json.encode(plan.parameters).decode()
    assert "$ref" not in text
    assert "title" in plan.parameters["properties"]["steps"]["items"]["properties"]


def test_wrong_arguments_name_the_field() -> None:
    call = ToolCall(id="1", name="delegate", arguments='{"agent": "coder", "task": 3}')
    with pytest.raises(msgspec.ValidationError, match=r"\$\.task"):
        control.decode(call, control.DelegateArguments)


@given(st.lists(st.sampled_from("abc"), max_size=5), st.sampled_from("abcd"))
def test_only_the_named_step_changes(ids: list[str], changed: str) -> None:
    plan = tuple(PlanStep(id=step, title=step) for step in ids)
    after = control.with_status(plan, changed, "done")
    assert [step.id for step in after] == ids
    assert all((step.status == "done") == (step.id == changed) for step in after)
