"""One turn through the real services: what is recorded, what the model is told, how it ends."""

from __future__ import annotations

import msgspec
import pytest

from codelab.kit.errors import CodeLabError
from codelab.llm.errors import ModelRefused
from codelab.sdk.messages import AssistantMessage, Thinking, UserMessage
from codelab.sessions.events import (
    AgentChosen,
    AssistantMessageCompleted,
    SessionStateChanged,
    TokenStreamed,
    ToolCallCompleted,
    ToolCallRequested,
    TurnEnded,
    TurnFailed,
    UsageRecorded,
    UserMessageReceived,
)
from codelab.sessions.models import entries as log
from tests.agents.cast import USAGE, call, say
from tests.agents.stage import ANN, Stage, of, until


async def test_a_plain_answer(stage: Stage) -> None:
    stage.cast.script("coder", say("Here you are."))
    facts = await stage.turn("What is this?")
    assert [type(fact) for fact in facts] == [
        UserMessageReceived,
        AgentChosen,
        AssistantMessageCompleted,
        UsageRecorded,
        TurnEnded,
    ]
    (message,), (ended,) = of(facts, AssistantMessageCompleted), of(facts, TurnEnded)
    assert (message.text, message.agent, message.model) == ("Here you are.", "coder", "scripted")
    assert (ended.message_id, ended.stop_reason) == (message.message_id, "end")
    assert ended.usage == USAGE
    streamed = stage.first.events(TokenStreamed)
    assert [(token.message_id, token.text) for token in streamed] == [
        (message.message_id, "Here you are.")
    ]
    shown = [event.state for event in stage.first.events(SessionStateChanged)]
    assert shown == ["processing", "idle"]


async def test_what_a_model_thought_goes_back_with_the_results_of_its_calls(stage: Stage) -> None:
    thought = Thinking(model="some/model", parts=({"type": "thinking", "signature": "abc"},))
    look = msgspec.structs.replace(
        say("Let me see.", call("list_files", {"path": "."})), thinking=thought
    )
    stage.cast.script("coder", look, say("A shop."))
    facts = await stage.turn()
    assert [fact.thinking for fact in of(facts, AssistantMessageCompleted)] == [thought, None]
    (said,) = [
        message
        for message in stage.cast.asked("coder")[-1].messages
        if isinstance(message, AssistantMessage)
    ]
    assert said.thinking == thought


async def test_tools_run_and_their_results_go_back_to_the_model(stage: Stage) -> None:
    looks = (call("read_file", {"path": "README.md"}), call("list_files", {"path": "."}))
    stage.cast.script("coder", say("Let me see.", *looks), say("A shop."))
    facts = await stage.turn()
    results = of(facts, ToolCallCompleted)
    assert [result.ok for result in results] == [True, True]
    told = {result.call_id: result for result in stage.cast.told("coder")}
    requested = of(facts, ToolCallRequested)
    assert {one.call_id for one in requested} == told.keys()
    by_tool = {one.name: one.content for one in told.values()}
    assert "# Shop" in by_tool["read_file"]
    assert "README.md" in by_tool["list_files"]
    # The provider's identifiers are not ours: it may use the same ones in each message.
    assert not told.keys() & {one.id for one in looks}


async def test_the_model_is_told_what_commands_may_do(stage: Stage) -> None:
    stage.cast.script("coder", say("I see."))
    await stage.turn()
    first = stage.cast.asked("coder")[0].messages[0]
    assert "; network: none." in str(first)


async def test_the_next_turn_knows_the_last_one(stage: Stage) -> None:
    stage.cast.script("debug", say("The tests fail."), say("I will go on."))
    await stage.turn("Why is it red?", agent="debug")
    second = await stage.first.sessions.start_turn(ANN, stage.session_id, "go on")
    (chosen,) = of(await stage.over(second), AgentChosen)
    assert (chosen.agent, chosen.previous) == ("debug", "debug")
    assert stage.cast.asked("debug")[-1].messages[1:] == (
        UserMessage(text="Why is it red?"),
        AssistantMessage(text="The tests fail."),
        UserMessage(text="go on"),
    )


async def test_broken_calls_are_told_and_may_be_mended(stage: Stage) -> None:
    stage.cast.script(
        "coder",
        say("", call("read_file", '{"path": "READ')),
        say("", call("read_file", {"file": "README.md"})),
        say("", call("read_file", {"path": "README.md"})),
        say("", call("no_such_tool", {})),
        say("", call("no_such_tool", {})),
        say("Done."),
    )
    facts = await stage.turn()
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_three_messages_of_broken_calls_end_the_turn(stage: Stage) -> None:
    # Several broken calls in one message are one failure, not several.
    broken = (call("read_file", "{"), call("read_file", "["), call("no_such_tool", "{}"))
    stage.cast.script("coder", say("", *broken), say("", *broken), say("", *broken))
    facts = await stage.turn()
    assert len(stage.cast.asked("coder")) == 3
    assert of(facts, TurnFailed)[0].code == "model_broken_tool_calls"
    assert of(facts, TurnEnded)[0].stop_reason == "error"
    assert len(of(facts, ToolCallCompleted)) == 9


async def test_a_limit_of_steps(bare_stage: Stage) -> None:
    await bare_stage.replica(max_steps=2)
    look = call("list_files", {"path": "."})
    bare_stage.cast.script("coder", say("One.", look), say("Two.", look))
    facts = await bare_stage.turn()
    assert of(facts, TurnEnded)[0].stop_reason == "max_steps"
    assert of(facts, TurnFailed)[0].code == "max_steps"
    assert len(of(facts, ToolCallCompleted)) == 2


async def test_a_tool_that_explodes_is_a_result(stage: Stage) -> None:
    stage.cast.script("coder", say("", call("explode")), say("It broke."))
    facts = await stage.turn()
    (result,) = of(facts, ToolCallCompleted)
    assert not result.ok
    assert "author's own words" not in result.output
    assert of(facts, TurnEnded)[0].stop_reason == "end"


async def test_a_model_client_that_explodes_ends_the_turn_without_its_words(stage: Stage) -> None:
    stage.cast.script("coder", ZeroDivisionError("its own words"), say("Better."))
    facts = await stage.turn()
    (failed,) = of(facts, TurnFailed)
    assert failed.code == "internal"
    assert "its own words" not in failed.message
    assert of(facts, TurnEnded)[0].stop_reason == "error"
    assert stage.first.events(SessionStateChanged)[-1].state == "error"
    # The session is free for the next message.
    assert of(await stage.turn(), TurnEnded)[0].stop_reason == "end"


async def test_a_model_that_refuses_says_why(stage: Stage) -> None:
    stage.cast.script("coder", ModelRefused("This is too long for the model."))
    facts = await stage.turn()
    (failed,) = of(facts, TurnFailed)
    assert (failed.code, failed.message) == (
        ModelRefused.code,
        "This is too long for the model.",
    )


async def test_an_agent_cannot_use_what_it_is_not_granted(stage: Stage) -> None:
    steps = (
        call("write_file", {"path": "a.txt", "content": "x"}),
        call("delegate", {"agent": "coder", "task": "write it"}),
        call("update_plan", {"steps": [{"id": "1", "title": "write"}]}),
    )
    stage.cast.script("reader", say("", *steps), say("I may not."))
    facts = await stage.turn(agent="reader")
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [False] * 3
    assert not (stage.project / "a.txt").exists()
    offered = {tool.name for tool in stage.cast.asked("reader")[0].tools}
    assert offered == {"read_file"}


async def test_a_log_that_was_tampered_with_ends_the_turn_and_frees_the_session(
    stage: Stage,
) -> None:
    stage.cast.script("coder", say("", call("launch")))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    async with stage.first.db.transaction() as tx:
        await tx.execute(
            log.update()
            .where(log.c.turn_id == turn.turn_id, log.c.kind == "assistant_message")
            .values(body=b"\x01 not what was written here")
        )
    await stage.first.hitl.answer(ANN, approval.id, True)
    (ended,) = await until(lambda: stage.closed(turn))
    assert ended.stop_reason == "error"
    record = await stage.first.sessions.get(ANN, stage.session_id)
    assert record.active_turn_id is None
    assert stage.first.props.launch.started == 0


@pytest.mark.parametrize("gone", ["folder", "session"])
async def test_what_vanishes_under_a_turn(stage: Stage, gone: str) -> None:
    if gone == "folder":
        stage.project.rename(stage.project.with_name("moved"))
        facts = await stage.turn()
        assert of(facts, TurnEnded)[0].stop_reason == "error"
        assert str(stage.project) not in msgspec.json.encode(facts).decode()
        return
    stage.cast.script("coder", say("", call("look")))
    await stage.ask()
    await stage.first.props.look.running.wait()
    await stage.first.sessions.delete(ANN, stage.session_id)
    await stage.first.runner.close()
    assert stage.first.runner.running == 0
    with pytest.raises(CodeLabError):
        await stage.first.sessions.get(ANN, stage.session_id)
