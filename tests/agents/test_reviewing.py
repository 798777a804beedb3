"""Files reviewed as text: what is approved is exactly the text, over exactly what was looked at."""

from __future__ import annotations

import msgspec
import pytest

from codelab.agents.api import Reviews
from codelab.agents.reviewing import NotReviewable
from codelab.hitl.api import ApprovalRecord
from codelab.hitl.errors import AlreadyAnswered, ApprovalNotFound, ApprovalStale
from codelab.kit.errors import CodeLabError
from codelab.sessions.api import TurnRef
from codelab.sessions.events import ApprovalAnswered, ToolCallCompleted, ToolCallRequested
from tests.agents.cast import call, say
from tests.agents.stage import ANN, Stage, of

LINES = [f"line {number}\n" for number in range(40)]
WANTED = [line.replace("line 3\n", "three\n").replace("line 30\n", "thirty\n") for line in LINES]
ONE_OF_TWO = [line.replace("line 3\n", "three\n") for line in LINES]
EDIT: dict[str, object] = {
    "path": "a.txt",
    "replacements": [
        {"old_text": "line 3\n", "new_text": "three\n"},
        {"old_text": "line 30\n", "new_text": "thirty\n"},
    ],
}
WRITE: dict[str, object] = {"path": "a.txt", "content": "".join(WANTED)}
BOTH = pytest.mark.parametrize(("tool", "parameters"), [("edit_file", EDIT), ("write_file", WRITE)])


def reviews(stage: Stage) -> Reviews:
    return Reviews(stage.first.services, stage.first.workspaces)


async def asked(
    stage: Stage, tool: str, parameters: dict[str, object], text: str = "".join(LINES)
) -> tuple[TurnRef, ApprovalRecord]:
    (stage.project / "a.txt").write_bytes(text.encode())
    stage.cast.script("coder", say("", call(tool, parameters)), say("Done."))
    turn = await stage.ask()
    (approval,) = await stage.asked()
    await stage.suspended()
    return turn, approval


@BOTH
async def test_one_of_two_places_is_made_and_the_agent_is_told(
    stage: Stage, tool: str, parameters: dict[str, object]
) -> None:
    turn, approval = await asked(stage, tool, parameters)
    shown = await reviews(stage).show(ANN, approval.id)
    assert (shown.before, shown.after) == ("".join(LINES), "".join(WANTED))
    assert (shown.path, shown.stale) == ("a.txt", False)
    text = "".join(ONE_OF_TWO)
    answered = await reviews(stage).approve(ANN, approval.id, text, shown.before_hash, "As so.")
    assert (answered.status, answered.digest) == ("approved", approval.digest)
    facts = await stage.over(turn)
    assert (stage.project / "a.txt").read_text() == text
    (told,) = stage.cast.told("coder")
    for part in ("changed this before approving", "-thirty", "+line 30", "said: As so."):
        assert part in told.content
    assert "-three" not in told.content
    assert [result.ok for result in of(facts, ToolCallCompleted)] == [True]


async def test_all_that_was_wanted_is_no_edit(stage: Stage) -> None:
    turn, approval = await asked(stage, "edit_file", EDIT)
    shown = await reviews(stage).show(ANN, approval.id)
    answered = await reviews(stage).approve(ANN, approval.id, shown.after, shown.before_hash, "")
    assert (answered.edited_parameters, answered.edit_diff) == (None, "")
    await stage.over(turn)
    assert (stage.project / "a.txt").read_text() == shown.after
    (told,) = stage.cast.told("coder")
    assert "changed this" not in told.content


@BOTH
async def test_a_file_that_changed_is_shown_anew_and_approved_as_it_is_now(
    stage: Stage, tool: str, parameters: dict[str, object]
) -> None:
    turn, approval = await asked(stage, tool, parameters)
    first = await reviews(stage).show(ANN, approval.id)
    (stage.project / "a.txt").write_text("top\n" + first.before)
    with pytest.raises(ApprovalStale):
        await reviews(stage).approve(ANN, approval.id, first.after, first.before_hash, "")
    # Nothing was decided by that: it still waits.
    assert [one.id for one in await stage.approvals()] == [approval.id]
    second = await reviews(stage).show(ANN, approval.id)
    assert (second.stale, second.before) == (True, "top\n" + first.before)
    text = "top\n" + "".join(ONE_OF_TWO)
    await reviews(stage).approve(ANN, approval.id, text, second.before_hash, "")
    facts = await stage.over(turn)
    assert (stage.project / "a.txt").read_text() == text
    assert len(of(facts, ToolCallRequested)) == len(of(facts, ApprovalAnswered)) == 1


async def test_what_changes_between_the_answer_and_the_write_is_asked_about_again(
    stage: Stage,
) -> None:
    turn, approval = await asked(stage, "write_file", WRITE)
    shown = await reviews(stage).show(ANN, approval.id)
    (stage.project / "a.txt").write_text("theirs\n")
    now = await reviews(stage).show(ANN, approval.id)
    assert now.before_hash != shown.before_hash
    await stage.change_session(lease_owner="gone", lease_expires_at=None)
    await reviews(stage).approve(ANN, approval.id, "mine\n", now.before_hash, "")
    (stage.project / "a.txt").write_text("theirs again\n")
    await stage.change_session(lease_owner=None, lease_expires_at=None)
    (again,) = await stage.asked()
    assert again.parameters == {"path": "a.txt", "content": "mine\n"}
    await stage.first.hitl.answer(ANN, again.id, False)
    await stage.over(turn)
    assert (stage.project / "a.txt").read_text() == "theirs again\n"


@pytest.mark.parametrize(
    ("before", "after", "reviewed"),
    [
        ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n", "a\r\nmine\r\nc\r\n"),
        ("x\nx\nx\n", "x\nx\ny\n", "x\nz\nx\n"),
        ("end", "END", "End\n"),
    ],
)
async def test_line_endings_and_repeated_lines_stay_as_reviewed(
    stage: Stage, before: str, after: str, reviewed: str
) -> None:
    edit: dict[str, object] = {
        "path": "a.txt",
        "replacements": [{"old_text": before, "new_text": after}],
    }
    turn, approval = await asked(stage, "edit_file", edit, before)
    shown = await reviews(stage).show(ANN, approval.id)
    assert (shown.before, shown.after) == (before, after)
    await reviews(stage).approve(ANN, approval.id, reviewed, shown.before_hash, "")
    await stage.over(turn)
    assert (stage.project / "a.txt").read_bytes() == reviewed.encode()


async def test_what_cannot_be_reviewed_is_refused_and_still_waits(stage: Stage) -> None:
    turn, approval = await asked(stage, "write_file", WRITE)
    shown = await reviews(stage).show(ANN, approval.id)
    stranger = msgspec.structs.replace(ANN, user_id="0" * 32)
    with pytest.raises(ApprovalNotFound):
        await reviews(stage).show(stranger, approval.id)
    with pytest.raises(CodeLabError, match="nothing to write"):
        await reviews(stage).approve(ANN, approval.id, shown.before, shown.before_hash, "")
    assert len(await stage.approvals()) == 1
    await stage.first.hitl.answer(ANN, approval.id, False)
    with pytest.raises(AlreadyAnswered):
        await reviews(stage).show(ANN, approval.id)
    await stage.over(turn)
    _, other = await asked(stage, "delete_file", {"path": "a.txt"})
    with pytest.raises(NotReviewable):
        await reviews(stage).show(ANN, other.id)
    assert other.facts.file is not None
    assert (other.facts.file.change, other.facts.file.restorable) == ("delete", False)


async def test_an_edit_that_does_not_fit_any_more_says_so(stage: Stage) -> None:
    _, approval = await asked(stage, "edit_file", EDIT)
    (stage.project / "a.txt").write_text("something else\n")
    with pytest.raises(ApprovalStale, match="does not match"):
        await reviews(stage).show(ANN, approval.id)


async def test_an_edited_call_tells_the_agent_what_was_edited(stage: Stage) -> None:
    turn, approval = await asked(stage, "write_file", WRITE)
    elsewhere = {"path": "b.txt", "content": WRITE["content"]}
    await stage.first.hitl.answer(ANN, approval.id, True, elsewhere, "Not that one.")
    await stage.over(turn)
    (told,) = stage.cast.told("coder")
    for part in ("-a.txt", "+b.txt", "approved this and said: Not that one."):
        assert part in told.content
