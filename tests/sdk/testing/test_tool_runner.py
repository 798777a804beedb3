"""The runner treats a tool as the server does: arguments, grants, preview, approval, execution."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelab.sdk import Agent, Preparation, ToolContext, ToolError, ToolGrant
from codelab.sdk.testing import (
    ArgumentsInvalid,
    ContractBroken,
    FolderWorkspace,
    NotApproved,
    NotGranted,
    PreviewOutdated,
    ToolRunner,
)
from codelab.tools import arguments as server_arguments
from codelab.tools.errors import ToolArgumentsInvalid
from tests.sdk.testing.append_line import AppendLine, Line

WRITER = Agent(
    name="writer",
    title="Writer",
    description="Writes texts.",
    prompt="Write.",
    grants=(ToolGrant(name="append_line", paths=("*.txt",)),),
)
ARGUMENTS = {"path": "notes.txt", "text": "two"}


@pytest.fixture
def notes(folder_workspace: FolderWorkspace) -> FolderWorkspace:
    folder_workspace.add("notes.txt", "one\n")
    return folder_workspace


async def test_a_protected_tool_runs_once_it_is_approved(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    call = await tool_runner.prepare(AppendLine(), ARGUMENTS)
    assert "+two" in call.preview
    assert call.paths == ("notes.txt",)
    with pytest.raises(NotApproved):
        await call.execute()
    assert (await notes.read("notes.txt")).text == "one\n"
    call.approve()
    assert (await call.execute()).output == "Done."
    assert (await notes.read("notes.txt")).text == "one\ntwo\n"
    assert tool_runner.shown == ["appended\n"]


async def test_an_approval_is_good_for_one_run(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    call = await tool_runner.prepare(AppendLine(), ARGUMENTS)
    call.approve()
    await call.execute()
    with pytest.raises(NotApproved):
        await call.execute()


async def test_an_approval_is_void_when_the_file_changed(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    call = await tool_runner.prepare(AppendLine(), ARGUMENTS)
    call.approve()
    notes.add("notes.txt", "something else\n")
    with pytest.raises(PreviewOutdated):
        await call.execute()
    assert (await notes.read("notes.txt")).text == "something else\n"


async def test_the_answer_may_be_given_beforehand(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    with pytest.raises(NotApproved):
        await tool_runner.run(AppendLine(), ARGUMENTS)
    await tool_runner.run(AppendLine(), json.dumps(ARGUMENTS), approved=True)
    assert (await notes.read("notes.txt")).text == "one\ntwo\n"


async def test_a_call_that_cannot_work_is_refused_before_anybody_is_asked(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    notes.add("notes.txt", "no end")
    with pytest.raises(ToolError, match="no end"):
        await tool_runner.prepare(AppendLine(), ARGUMENTS)


async def test_an_agent_is_held_to_its_grants(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    await tool_runner.prepare(AppendLine(), ARGUMENTS, agent=WRITER)
    notes.add("app.py", "one\n")
    with pytest.raises(NotGranted, match=r"writer may not use append_line on app\.py"):
        await tool_runner.prepare(AppendLine(), {"path": "./app.py", "text": "x"}, agent=WRITER)


async def test_a_badly_declared_tool_is_not_run(tool_runner: ToolRunner) -> None:
    class Nameless(AppendLine):
        name = ""

    with pytest.raises(ContractBroken, match="name"):
        await tool_runner.prepare(Nameless(), ARGUMENTS)


@pytest.mark.parametrize(
    "broken",
    [
        '{"path": ',
        "[]",
        "null",
        "",
        '{"path": "notes.txt"}',
        '{"path": "notes.txt", "text": 1}',
        '{"path": "notes.txt", "text": "x", "times": "2"}',
        '{"path": "notes.txt", "text": "x", "times": 9}',
        '{"path": "notes.txt", "text": "x", "mode": "a"}',
        '{"path": "notes.txt", "text": "a line that is too long for it"}',
    ],
)
async def test_arguments_that_do_not_fit_are_refused(
    broken: str, notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    with pytest.raises(ArgumentsInvalid):
        await tool_runner.prepare(AppendLine(), broken)
    assert not is_accepted_by_the_server(broken)


VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.just("notes.txt")
OBJECTS = st.dictionaries(st.sampled_from(["path", "text", "times", "mode"]), VALUES)


@given(OBJECTS)
async def test_the_runner_accepts_what_the_server_accepts(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    runner = ToolRunner(FolderWorkspace(tmp_path_factory.getbasetemp()))
    accepted = False
    with contextlib.suppress(ArgumentsInvalid):
        await runner.prepare(Accepting(), values)
        accepted = True
    assert accepted == is_accepted_by_the_server(json.dumps(values))


class Accepting(AppendLine):
    """Looks at nothing."""

    async def prepare(self, context: ToolContext, parameters: Line) -> Preparation:
        """Agree."""
        return Preparation()


def is_accepted_by_the_server(text: str) -> bool:
    try:
        server_arguments.decode(AppendLine.name, text, Line)
    except ToolArgumentsInvalid:
        return False
    return True
