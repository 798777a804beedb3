"""A turn can be undone: what its agents changed goes back, and nobody else's work is touched."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from codelab.agents.checkpoints.restoring import Checkpoint, Restored
from codelab.hitl.api import Decision, Rule
from codelab.sdk.messages import ToolCall
from codelab.sessions.errors import CheckpointNotFound, SessionNotFound, TurnInProgress
from codelab.sessions.events import (
    AnyFact,
    CheckpointMissed,
    CheckpointRestored,
    CheckpointTaken,
    ToolCallCompleted,
)
from codelab.workspace.api import Explorer, Keeping
from tests.agents.cast import Held, call, say
from tests.agents.stage import ANN, QUICK, Replica, Stage, of, until, until_awaited
from tests.agents.test_takeover import STALLED, stall

FREE = (Rule(decision=Decision.ALLOW, tool="*"),)


@pytest.fixture
async def kept(bare_stage: Stage) -> Stage:
    """A stage with checkpoints, on which nobody is asked for write_file and the like."""
    replica = await bare_stage.replica(rules=FREE, keeping=Keeping())
    standing = await replica.workspaces.sandbox()
    if standing.layer == "none":
        pytest.skip(f"no box can be built here: {standing.reason}")
    return bare_stage


def writing(path: str, content: str) -> ToolCall:
    return call("write_file", {"path": path, "content": content})


def running(command: str) -> ToolCall:
    return call("execute_command", {"command": command})


async def perform(stage: Stage, *calls: ToolCall, text: str = "Do it") -> list[AnyFact]:
    """Have the coder make these calls, one after the other, in one turn."""
    stage.cast.script("coder", *(say("", one) for one in calls), say("Done."))
    turn = await stage.ask(text)
    while not stage.closed(turn):
        for approval in await stage.approvals():
            await stage.first.hitl.answer(ANN, approval.id, True)
        await asyncio.sleep(0.01)
    return await stage.facts(turn)


async def checkpoints(stage: Stage) -> list[Checkpoint]:
    return await stage.first.checkpoints.list_for(ANN, stage.session_id)


async def last(stage: Stage, kind: str = "turn") -> str:
    return [one.id for one in await checkpoints(stage) if one.kind == kind][-1]


async def restore(stage: Stage, checkpoint_id: str, **what: bool) -> Restored:
    return await stage.first.checkpoints.restore(ANN, stage.session_id, checkpoint_id, **what)


async def undo(stage: Stage) -> Restored:
    """Go back to before the last turn that changed something."""
    return await restore(stage, await last(stage))


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def reasons(done: Restored) -> dict[str, str]:
    return {one.path: one.reason for one in done.conflicts}


async def test_a_turn_is_undone_and_the_undoing_too(kept: Stage) -> None:
    (kept.project / "run.sh").write_text("#!/bin/sh\n")
    (kept.project / "run.sh").chmod(0o755)
    start = files(kept.project)
    facts = await perform(
        kept,
        writing("README.md", "# Rewritten\n"),
        writing("pkg/deep/new.py", "x = 1\n"),
        call("delete_file", {"path": "run.sh"}),
        running("echo made > made.txt; printf more >> README.md"),
    )
    taken = of(facts, CheckpointTaken)
    assert [(one.tool, [change.path for change in one.changes]) for one in taken] == [
        ("", []),
        ("write_file", ["README.md"]),
        ("write_file", ["pkg/deep/new.py"]),
        ("delete_file", ["run.sh"]),
        ("execute_command", ["README.md", "made.txt"]),
    ]
    # Each stands right behind its call's result.
    for one in taken[1:]:
        before = facts[facts.index(one) - 1]
        assert isinstance(before, ToolCallCompleted)
        assert before.call_id == one.call_id
    after = files(kept.project)

    preview = await kept.first.checkpoints.preview(ANN, kept.session_id, await last(kept))
    assert {(one.path, one.action) for one in preview.files} == {
        ("README.md", "write"),
        ("made.txt", "delete"),
        ("pkg/deep/new.py", "delete"),
        ("run.sh", "create"),
    }
    (readme,) = [one.diff for one in preview.files if one.path == "README.md"]
    assert "-# Rewritten\n-more" in readme
    assert "+# Shop" in readme
    assert [one.text for one in preview.messages][:1] == ["Do it"]
    assert files(kept.project) == after

    done = await undo(kept)
    assert not done.conflicts
    assert files(kept.project) == start
    assert os.access(kept.project / "run.sh", os.X_OK)
    # The folders that the agent's call has made are gone with their file.
    assert not (kept.project / "pkg").exists()

    again = await restore(kept, done.restoration_id)
    assert not again.conflicts
    assert files(kept.project) == after
    await undo(kept)
    assert files(kept.project) == start


async def test_one_may_go_back_to_the_middle_of_a_turn(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "one"), writing("a.txt", "two"), writing("b.txt", "b"))
    first = next(one for one in await checkpoints(kept) if one.kind == "call")
    await restore(kept, first.id, conversation=False)
    assert files(kept.project) == {"README.md": "# Shop\n", "a.txt": "one"}


async def test_the_model_is_not_shown_what_was_undone(kept: Stage) -> None:
    await perform(kept, text="Say nothing")
    await perform(kept, writing("a.txt", "a"), text="Write a file")
    done = await undo(kept)
    assert done.conversation
    kept.cast.script("coder", say("What file?"))
    await kept.turn("And now?")
    shown = [getattr(one, "text", "") for one in kept.cast.asked("coder")[-1].messages[1:]]
    assert shown == ["Say nothing", "Done.", "And now?"]
    entries = await kept.first.sessions.entries(ANN, kept.session_id)
    # The log has all of it, and says who went back.
    assert "Write a file" in [getattr(entry.fact, "text", "") for entry in entries]
    (back,) = of([entry.fact for entry in entries], CheckpointRestored)
    assert back.by == ANN.name
    unseen = await kept.first.sessions.between.unseen(kept.session_id)
    hidden = [e.seq for e in entries if e.turn_id and unseen.hides(None, e.seq)]
    assert hidden == [e.seq for e in entries if e.turn_id == entries[hidden[0] - 1].turn_id]
    assert [one.undone for one in await checkpoints(kept)] == [True, True, False]
    # Undoing that brings the conversation back, too.
    await restore(kept, done.restoration_id)
    kept.cast.script("coder", say("The one I wrote."))
    await kept.turn("And now?")
    shown = [getattr(one, "text", "") for one in kept.cast.asked("coder")[-1].messages[1:]]
    assert "Write a file" in shown
    assert "What file?" not in shown


async def test_what_a_colleague_saved_since_is_left_alone(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "agent"), writing("b.txt", "agent"))
    (kept.project / "a.txt").write_text("colleague")
    done = await undo(kept)
    assert reasons(done) == {"a.txt": "changed_since"}
    assert files(kept.project) == {"README.md": "# Shop\n", "a.txt": "colleague"}


async def test_what_a_colleague_saved_between_two_calls_is_left_alone(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "agent"))
    (kept.project / "a.txt").write_text("colleague")
    await perform(kept, writing("a.txt", "agent again"))
    first = next(one.id for one in await checkpoints(kept) if one.kind == "turn")
    done = await restore(kept, first)
    assert reasons(done) == {"a.txt": "changed_between"}
    assert (kept.project / "a.txt").read_text() == "agent again"
    # Before the second turn there was the colleague's.
    assert not reasons(await undo(kept))
    assert (kept.project / "a.txt").read_text() == "colleague"


async def test_what_a_human_saves_while_a_command_runs_is_not_taken_for_the_agents(
    kept: Stage,
) -> None:
    replica = kept.first
    explorer = Explorer(replica.workspaces, replica.limiter, replica.bus)
    workspace_id = (await kept.lease()).workspace_id
    (kept.project / "README.md").write_text("# Before\n")
    command = "echo agent > agent.txt; touch ready; while [ ! -e go ]; do sleep 0.01; done"
    kept.cast.script("coder", say("", running(command)), say("Done."))
    turn = await kept.ask()
    (approval,) = await kept.asked()
    await replica.hitl.answer(ANN, approval.id, True)
    await until((kept.project / "ready").exists)
    await explorer.write(ANN, workspace_id, "README.md", "# By Ann\n")
    await explorer.write(ANN, workspace_id, "go", "")
    await kept.over(turn)
    done = await undo(kept)
    assert reasons(done) == {"README.md": "changed_meanwhile", "go": "changed_meanwhile"}
    assert files(kept.project) == {"README.md": "# By Ann\n", "go": ""}


async def test_what_was_ignored_before_is_not_taken_for_new(kept: Stage) -> None:
    (kept.project / ".gitignore").write_text("precious.txt\n")
    (kept.project / "precious.txt").write_text("precious")
    await perform(kept, running("echo > .gitignore; echo new > new.txt"))
    done = await undo(kept)
    assert reasons(done) == {
        "new.txt": "changed_meanwhile",
        "precious.txt": "changed_meanwhile",
    }
    assert (kept.project / "precious.txt").read_text() == "precious"
    assert (kept.project / ".gitignore").read_text() == "precious.txt\n"


async def test_links_and_folders_in_a_files_place_are_left_alone(
    kept: Stage, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("agent")
    names = ("link.txt", "folder.txt", "sub/inner.txt")
    await perform(kept, *(writing(name, "agent") for name in names))
    for name in names[:2]:
        (kept.project / name).unlink()
    (kept.project / "link.txt").symlink_to(outside)
    (kept.project / "folder.txt").mkdir()
    # The same content, at the same name, by way of a folder that became a link.
    (kept.project / "sub").rename(kept.project / "elsewhere")
    (kept.project / "sub").symlink_to("elsewhere")
    done = await undo(kept)
    assert reasons(done) == dict.fromkeys(names, "changed_since")
    assert outside.read_text() == "agent"
    assert (kept.project / "elsewhere" / "inner.txt").read_text() == "agent"


async def test_names_may_hold_anything(kept: Stage) -> None:
    await perform(kept, running("printf x > 'new\nline' && printf x > -dash && mkdir 'a\tb'"))
    (kept.project / ".gitattributes").write_text("* text eol=crlf filter=evil\n")
    await perform(kept, running("printf 'a\r\nb\n' > 'a\tb/crlf'"))
    await undo(kept)
    first = next(one.id for one in await checkpoints(kept) if one.kind == "turn")
    assert not (await restore(kept, first)).conflicts
    assert set(files(kept.project)) == {"README.md", ".gitattributes"}


async def test_large_files_are_named_and_not_undone(kept: Stage) -> None:
    facts = await perform(kept, running("head -c 3000000 /dev/zero > big.bin; echo x > small.txt"))
    assert of(facts, CheckpointTaken)[-1].left_out == ("big.bin",)
    await undo(kept)
    assert (kept.project / "big.bin").exists()
    assert not (kept.project / "small.txt").exists()


async def test_commands_that_change_nothing_leave_no_checkpoint_behind(kept: Stage) -> None:
    facts = await perform(kept, running("cat README.md"))
    assert [one.call_id for one in of(facts, CheckpointTaken)] == [""]
    facts = await perform(kept, call("read_file", {"path": "README.md"}))
    assert not of(facts, CheckpointTaken)


async def test_a_cancelled_command_is_undone_as_far_as_it_came(kept: Stage) -> None:
    kept.cast.script("coder", say("", running("echo x > a.txt; touch ready; sleep 60")))
    turn = await kept.ask()
    (approval,) = await kept.asked()
    await kept.first.hitl.answer(ANN, approval.id, True)
    await until((kept.project / "ready").exists)
    await kept.cancel()
    facts = await kept.over(turn)
    assert {change.path for one in of(facts, CheckpointTaken) for change in one.changes} == {
        "a.txt",
        "ready",
    }
    assert not (await undo(kept)).conflicts
    assert files(kept.project) == {"README.md": "# Shop\n"}


async def test_what_cannot_be_kept_stops_nobody_and_is_said_once(bare_stage: Stage) -> None:
    await bare_stage.replica(rules=FREE, keeping=Keeping(spare_mb=10**9))
    facts = await perform(bare_stage, writing("a.txt", "a"), writing("b.txt", "b"))
    (missed,) = of(facts, CheckpointMissed)
    assert "MB of the disk are free" in missed.reason
    assert not of(facts, CheckpointTaken)
    assert (bare_stage.project / "b.txt").read_text() == "b"
    assert await checkpoints(bare_stage) == []


async def test_nothing_goes_back_while_a_turn_runs(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "a"))
    held = Held(say("Done."))
    kept.cast.script("coder", held)
    turn = await kept.ask()
    await asyncio.wait_for(held.reached.wait(), 10)
    with pytest.raises(TurnInProgress):
        await undo(kept)
    assert (kept.project / "a.txt").exists()
    held.release.set()
    await kept.over(turn)


async def test_only_ones_own_checkpoints_are_found(kept: Stage) -> None:
    await perform(kept, writing("a.txt", "a"))
    checkpoint_id = await last(kept)
    mine = kept.session_id
    await kept.open_another_session()
    with pytest.raises(CheckpointNotFound):
        await restore(kept, checkpoint_id)
    with pytest.raises(SessionNotFound):
        await kept.first.checkpoints.restore(
            ANN.__class__(user_id="b" * 32, name="bob"), mine, checkpoint_id
        )


async def test_what_a_crash_leaves_unknown_is_left_alone(bare_stage: Stage) -> None:
    keeping: dict[str, Any] = {"rules": FREE, "keeping": Keeping()}
    first = await bare_stage.replica(pace=STALLED, **keeping)
    bare_stage.cast.script(
        "coder",
        say("", writing("known.txt", "known")),
        say("", running("echo x > half.txt; touch ready; sleep 60")),
    )
    turn = await bare_stage.ask()
    await answer_all(bare_stage, first)
    await until((bare_stage.project / "ready").exists)
    # As if the first had been killed in the middle: another one takes the turn up.
    await stall(bare_stage)
    bare_stage.cast.script("coder", say("It stopped."))
    await bare_stage.replica(pace=QUICK, **keeping)
    (again,) = await bare_stage.asked()
    await bare_stage.first.hitl.answer(ANN, again.id, False)
    facts = await bare_stage.over(turn)
    shared = {
        change.path for one in of(facts, CheckpointTaken) for change in one.changes if change.shared
    }
    assert shared == {"half.txt", "ready"}
    done = await undo(bare_stage)
    assert reasons(done) == dict.fromkeys(("half.txt", "ready"), "changed_meanwhile")
    assert not (bare_stage.project / "known.txt").exists()
    assert (bare_stage.project / "half.txt").exists()


async def answer_all(stage: Stage, on: Replica) -> None:
    """Say yes until the first command is about to run."""

    async def command_started() -> bool:
        for approval in await stage.approvals():
            await on.hitl.answer(ANN, approval.id, True)
        return (stage.project / "ready").exists()

    await until_awaited(command_started)
