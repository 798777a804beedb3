"""No way leads round the gate: each gated tool, each way to it, each answer that is not a yes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import codelab
from codelab.hitl.events import ApprovalUsed
from codelab.kit.clock import utc_now
from codelab.plugins import load_plugins
from codelab.sdk.messages import ToolCall
from codelab.sessions.events import ToolCallCompleted
from codelab.tools.events import ToolExecuted
from tests.agents.cast import call, say
from tests.agents.props import Props
from tests.agents.stage import ANN, Stage, of
from tests.tools.test_api import PROTECTED

# Asked about by default, or marked as started before they run.
CALLS: dict[str, dict[str, Any]] = {
    "write_file": {"path": "made.txt", "content": "x"},
    "edit_file": {"path": "README.md", "replacements": [{"old_text": "Shop", "new_text": "X"}]},
    "delete_file": {"path": "README.md"},
    "launch": {},
}
# These need a box and a repository: tests/tools tries them at the tools' own door.
IN_A_BOX = {
    *("execute_command", "git_branch", "git_checkout", "git_commit", "git_merge", "git_pull"),
    "git_push",
}
# Nobody is asked about these: the policy lets them through, with a row of its own.
UNASKED = {"push"}
PACKAGE = Path(codelab.__file__).parent


def test_every_gated_tool_is_tried() -> None:
    installed = [*load_plugins().tools, *Props().all()]
    gated = {tool.name for tool in installed if tool.protected or not tool.repeatable}
    assert gated == set(CALLS) | IN_A_BOX | UNASKED
    assert set(PROTECTED) >= IN_A_BOX


def alone(stage: Stage, wanted: ToolCall) -> str:
    stage.cast.script("coder", say("", wanted), say("Done."))
    return "coder"


def delegated(stage: Stage, wanted: ToolCall) -> str:
    task = call("delegate", {"agent": "coder", "task": "go"})
    stage.cast.script("orchestrator", say("", task), say("All done."))
    return alone(stage, wanted) and "orchestrator"


def twice_delegated(stage: Stage, wanted: ToolCall) -> str:
    task = call("delegate", {"agent": "orchestrator", "task": "go"})
    stage.cast.script("debug", say("", task), say("All done."))
    return delegated(stage, wanted) and "debug"


WAYS = pytest.mark.parametrize("way", [alone, delegated, twice_delegated])


@WAYS
@pytest.mark.parametrize("answer", ["no", "late", "never"])
@pytest.mark.parametrize("tool", CALLS)
async def test_without_a_yes_nothing_runs(stage: Stage, tool: str, answer: str, way: Any) -> None:
    before = files(stage)
    turn = await stage.ask(agent=way(stage, call(tool, CALLS[tool])))
    (approval,) = await stage.asked()
    await stage.suspended()
    match answer:
        case "no":
            await stage.first.hitl.answer(ANN, approval.id, False)
        case "late":
            await stage.change_approval(approval.id, expires_at=utc_now() - timedelta(seconds=1))
            await stage.first.hitl.expire_due()
        case "never":
            await stage.first.sessions.request_cancel(ANN, stage.session_id)
    facts = await stage.over(turn)
    results = [result for result in of(facts, ToolCallCompleted) if result.tool == tool]
    assert [result.ok for result in results] == [False]
    assert files(stage) == before
    assert stage.first.props.launch.started == 0
    assert not stage.first.events(ToolExecuted)
    assert not stage.first.events(ApprovalUsed)


@WAYS
@pytest.mark.parametrize("tool", CALLS)
async def test_with_a_yes_exactly_what_was_shown_runs_once(
    stage: Stage, tool: str, way: Any
) -> None:
    stage.first.props.launch.release.set()
    turn = await stage.ask(agent=way(stage, call(tool, CALLS[tool])))
    (approval,) = await stage.asked()
    await stage.suspended()
    await stage.first.hitl.answer(ANN, approval.id, True)
    await stage.over(turn)
    (used,) = stage.first.events(ApprovalUsed)
    (executed,) = stage.first.events(ToolExecuted)
    assert stage.first.heard.index(used) < stage.first.heard.index(executed)
    assert used.approval_id == approval.id
    assert used.digest == executed.digest == approval.digest
    assert executed.ok


@WAYS
@pytest.mark.parametrize("tool", sorted(UNASKED))
async def test_what_nobody_is_asked_about_passes_the_gate_all_the_same(
    stage: Stage, tool: str, way: Any
) -> None:
    stage.first.props.push.release.set()
    await stage.turn(agent=way(stage, call(tool)))
    (used,) = stage.first.events(ApprovalUsed)
    (executed,) = stage.first.events(ToolExecuted)
    assert stage.first.heard.index(used) < stage.first.heard.index(executed)
    assert used.digest == executed.digest


def test_a_tool_is_called_at_one_place_and_that_behind_the_gate() -> None:
    # Whoever adds a way to run a tool meets this: it leads through `Tools.execute`.
    found = {f"{path.relative_to(PACKAGE)}: {text}" for path, text in executions()}
    assert found == {
        "agents/calls.py: tools.execute",
        "tools/api.py: execution.execute",
        "tools/execution.py: tool.execute",
        # The kit for plugins' own tests, which is kept out of production by a contract.
        "sdk/testing/conversation.py: call.execute",
        "sdk/testing/tool_runner.py: call.execute",
        "sdk/testing/tool_runner.py: self.tool.execute",
    }


def executions() -> Iterator[tuple[Path, str]]:
    """Find what looks like the execution of a tool: `execute` called on a tool, tools or a call."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "execute":
                text = ast.unparse(node)
                last = text.split(".")[-2].strip("_")
                if last in {"tool", "tools", "call", "execution", "prepared"}:
                    yield path, text


def files(stage: Stage) -> dict[str, bytes]:
    return {
        str(path.relative_to(stage.project)): path.read_bytes()
        for path in stage.project.rglob("*")
        if path.is_file()
    }
