"""An agent's conversation: tools run, refusals and errors reach the model, it comes to an end."""

from __future__ import annotations

import pytest

from codelab.sdk import Agent, Delta, ModelRequest, ToolGrant
from codelab.sdk.messages import ToolMessage, UserMessage
from codelab.sdk.testing import (
    FolderWorkspace,
    PreparedCall,
    ScriptedModel,
    ScriptEnded,
    ToolRunner,
    call,
    converse,
    say,
)
from tests.sdk.testing.append_line import AppendLine

EDITOR = Agent(
    name="editor",
    title="Editor",
    description="Appends.",
    prompt="You append lines.",
    grants=(ToolGrant(name="append_line"),),
)
READER = Agent(name="reader", title="Reader", description="Reads.", prompt="You read.")
APPEND = call("append_line", {"path": "notes.txt", "text": "two"})


@pytest.fixture
def notes(folder_workspace: FolderWorkspace) -> FolderWorkspace:
    folder_workspace.add("notes.txt", "one\n")
    return folder_workspace


async def test_an_approved_call_runs_and_the_model_goes_on(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    model = ScriptedModel([say("I append it.", APPEND), say("Done, see notes.txt.")])
    shown: list[str] = []

    def approve(asked: PreparedCall) -> bool:
        shown.append(asked.preview)
        return True

    done = await converse(
        EDITOR,
        "Append two",
        model=model,
        tools=[AppendLine()],
        runner=tool_runner,
        approve=approve,
    )
    assert done.answer == "Done, see notes.txt."
    assert "+two" in shown[0]
    assert (await notes.read("notes.txt")).text == "one\ntwo\n"
    assert done.exchanges[0].result.ok
    second = model.requests[1].messages
    assert second[1] == UserMessage(text="Append two")
    assert second[-1] == ToolMessage(call_id=APPEND.id, name="append_line", content="Done.")


async def test_a_model_is_offered_what_its_agent_is_granted(tool_runner: ToolRunner) -> None:
    model = ScriptedModel([say("Hello."), say("Hello.")])
    for agent in (EDITOR, READER):
        await converse(agent, "Hi", model=model, tools=[AppendLine()], runner=tool_runner)
    offered, nothing = (request.tools for request in model.requests)
    assert [spec.name for spec in offered] == ["append_line"]
    assert nothing == ()


async def test_refusals_are_told_to_the_model(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    wishes = (
        APPEND,
        call("append_line", "{broken"),
        call("append_line", {"path": "missing.txt", "text": "x"}),
        call("launch_rocket"),
    )
    model = ScriptedModel([say("", *wishes), say("I could not.")])
    done = await converse(EDITOR, "Go", model=model, tools=[AppendLine()], runner=tool_runner)
    told = [exchange.result.output for exchange in done.exchanges]
    assert [exchange.result.ok for exchange in done.exchanges] == [False] * 4
    assert "refused" in told[0]
    assert "do not fit" in told[1]
    assert "missing.txt" in told[2]
    assert "launch_rocket" in told[3]


async def test_what_is_not_granted_does_not_run(
    notes: FolderWorkspace, tool_runner: ToolRunner
) -> None:
    model = ScriptedModel([say("", APPEND), say("I may not.")])
    done = await converse(
        READER,
        "Go",
        model=model,
        tools=[AppendLine()],
        runner=tool_runner,
        approve=lambda asked: True,
    )
    assert "may not use append_line" in done.exchanges[0].result.output
    assert (await notes.read("notes.txt")).text == "one\n"


async def test_an_agent_that_never_ends_is_stopped(tool_runner: ToolRunner) -> None:
    model = ScriptedModel(say("", call("again")) for _ in range(9))
    with pytest.raises(AssertionError, match="not done after 3 steps"):
        await converse(EDITOR, "Go", model=model, tools=[], runner=tool_runner, max_steps=3)


async def test_a_scripted_answer_comes_in_pieces() -> None:
    pieces: list[Delta] = []
    model = ScriptedModel([say("  One, two\nthree.")])
    answer = await model.stream(ModelRequest(model="scripted", messages=()), pieces.append)
    assert answer.text == "".join(piece.text for piece in pieces) == "  One, two\nthree."
    assert len(pieces) > 2


async def test_a_script_fails_where_it_says_so_and_then_ends() -> None:
    model = ScriptedModel([TimeoutError("too slow")])
    request = ModelRequest(model="scripted", messages=())
    with pytest.raises(TimeoutError):
        await model.stream(request, print)
    with pytest.raises(ScriptEnded, match="number 2"):
        await model.stream(request, print)
