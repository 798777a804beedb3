"""Requests, answers, deadlines and the gate, on both kinds of database."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from codelab.hitl.api import Allowed, Decision, Denied, Pending, Rule
from codelab.hitl.errors import (
    AlreadyAnswered,
    ApprovalExpired,
    ApprovalMissing,
    ApprovalNotFound,
    ApprovalStale,
    ApprovalUsed,
)
from codelab.hitl.events import (
    ApprovalExpiring,
    ApprovalRequested,
    ApprovalResolved,
    PolicyApplied,
)
from codelab.hitl.events import ApprovalUsed as ApprovalUsedEvent
from codelab.hitl.models import approvals
from codelab.kit.clock import utc_now
from codelab.kit.errors import CodeLabError, DatabaseUnavailable, InvalidInput, RateLimited
from codelab.kit.ids import new_id
from codelab.sessions.models import entries, sessions
from tests.hitl.conftest import ANN, BEN, Scene


async def count_rows(scene: Scene) -> int:
    async with scene.db.read() as db:
        return await db.scalar(sa.select(sa.func.count()).select_from(approvals)) or 0


async def test_a_protected_call_waits_for_a_human_for_300_seconds(scene: Scene) -> None:
    call = scene.call()
    pending = await scene.review(call)
    assert isinstance(pending, Pending)
    record = await scene.hitl.get(ANN, pending.approval_id)
    assert record.status == "pending"
    assert record.expires_at - record.created_at == timedelta(seconds=300)
    assert record.expires_at == pending.expires_at
    assert record.parameters == {"path": "a.py", "content": "print(1)"}
    assert (record.tool, record.agent, record.risk) == ("write_file", "coder", "high")
    assert (record.digest, record.preview) == (call.digest, "+ print(1)")
    assert await scene.hitl.for_turn(scene.turn_id) == {"call_1": record}
    assert await scene.hitl.pending_turns([scene.turn_id, new_id()]) == {scene.turn_id}
    (told,) = scene.heard(ApprovalRequested)
    assert (told.approval_id, told.digest) == (record.id, call.digest)
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(call)


async def test_an_unprotected_call_is_allowed_and_leaves_no_row(scene: Scene) -> None:
    assert await scene.review(scene.call(tool="read_file"), protected=False) == Allowed()
    assert await count_rows(scene) == 0


async def test_an_approved_call_passes_the_gate_once(scene: Scene) -> None:
    call = scene.call()
    approval_id = await scene.ask(call)
    record = await scene.hitl.answer(ANN, approval_id, True)
    assert (record.status, record.responded_by) == ("approved", "ann")
    assert await scene.hitl.pending_turns([scene.turn_id]) == set()
    (fact,) = await scene.answers()
    assert (fact.approval_id, fact.call_id, fact.status, fact.by) == (
        approval_id,
        "call_1",
        "approved",
        "ann",
    )
    (resolved,) = scene.heard(ApprovalResolved)
    assert (resolved.status, resolved.by, resolved.digest) == ("approved", "ann", call.digest)
    assert resolved.response_time_ms == record.response_time_ms
    assert 0 <= resolved.response_time_ms < 10_000

    await scene.hitl.enter(call)
    (used,) = scene.heard(ApprovalUsedEvent)
    assert (used.approval_id, used.digest) == (approval_id, call.digest)
    for _ in range(2):
        with pytest.raises(ApprovalUsed):
            await scene.hitl.enter(call)
    assert len(scene.heard(ApprovalUsedEvent)) == 1


async def test_a_rejected_call_never_passes_and_the_feedback_is_kept(scene: Scene) -> None:
    approval_id = await scene.ask()
    record = await scene.hitl.answer(ANN, approval_id, False, feedback="use a dict instead")
    assert (record.status, record.feedback) == ("rejected", "use a dict instead")
    (fact,) = await scene.answers()
    assert (fact.status, fact.feedback) == ("rejected", "use a dict instead")
    assert (await scene.hitl.get(ANN, approval_id)).feedback == "use a dict instead"
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(scene.call())


async def test_of_fifty_answers_at_once_over_two_replicas_one_counts(
    scene: Scene, another: Scene
) -> None:
    approval_id = await scene.ask()
    outcomes = await asyncio.gather(
        *[
            (scene, another)[number % 2].hitl.answer(ANN, approval_id, number % 3 > 0)
            for number in range(50)
        ],
        return_exceptions=True,
    )
    assert Counter(
        type(one).__name__ if isinstance(one, BaseException) else "counted" for one in outcomes
    ) == {"counted": 1, "AlreadyAnswered": 49}
    assert len(await scene.answers()) == 1
    told = scene.heard(ApprovalResolved) + another.heard(ApprovalResolved)
    assert len(told) == 1
    (counted,) = [one for one in outcomes if not isinstance(one, BaseException)]
    assert (await scene.hitl.get(ANN, approval_id)).status == counted.status == told[0].status


async def test_of_twenty_starts_at_once_over_two_replicas_one_passes(
    scene: Scene, another: Scene
) -> None:
    call = scene.call()
    await scene.hitl.answer(ANN, await scene.ask(call), True)
    outcomes = await asyncio.gather(
        *[(scene, another)[number % 2].hitl.enter(call) for number in range(20)],
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(one, ApprovalUsed) for one in outcomes) == 19


async def test_what_belongs_to_somebody_else_is_not_there(scene: Scene) -> None:
    approval_id = await scene.ask()
    for principal, wanted in (
        (BEN, approval_id),
        (ANN, new_id()),
        (ANN, "no identifier"),
        (ANN, ""),
    ):
        with pytest.raises(ApprovalNotFound):
            await scene.hitl.answer(principal, wanted, True)
        with pytest.raises(ApprovalNotFound):
            await scene.hitl.get(principal, wanted)
    assert await scene.hitl.list_for(BEN) == []
    assert (await scene.hitl.get(ANN, approval_id)).status == "pending"


async def test_an_answer_after_the_deadline_is_refused_and_the_row_times_out(
    scene: Scene,
) -> None:
    approval_id = await scene.ask()
    await scene.set_back(approval_id, expires_at=utc_now() - timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(ApprovalExpired) as refused:
            await scene.hitl.answer(ANN, approval_id, True)
        assert refused.value.status == 409
    record = await scene.hitl.get(ANN, approval_id)
    assert (record.status, record.responded_by) == ("timeout", "deadline")
    (fact,) = await scene.answers()
    assert (fact.status, fact.by) == ("timeout", "deadline")
    assert len(scene.heard(ApprovalResolved)) == 1
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(scene.call())


async def test_what_nobody_answers_times_out_once_however_many_sweep(
    scene: Scene, another: Scene
) -> None:
    due, later = await scene.ask(scene.call("due")), await scene.ask(scene.call("later"))
    await scene.set_back(due, expires_at=utc_now() - timedelta(milliseconds=1))
    swept = await asyncio.gather(
        scene.hitl.expire_due(), another.hitl.expire_due(), scene.hitl.expire_due()
    )
    assert [one.id for batch in swept for one in batch] == [due]
    assert (await scene.hitl.get(ANN, due)).status == "timeout"
    assert (await scene.hitl.get(ANN, later)).status == "pending"
    assert [fact.call_id for fact in await scene.answers()] == ["due"]
    assert await scene.hitl.expire_due() == []


async def test_a_request_that_cannot_be_read_keeps_no_other_waiting(scene: Scene) -> None:
    broken, sound = await scene.ask(scene.call("broken")), await scene.ask(scene.call("sound"))
    due = utc_now() - timedelta(milliseconds=1)
    await scene.set_back(broken, expires_at=due, preview=b"not ours", parameters=b"not ours")
    await scene.set_back(sound, expires_at=due)
    assert {one.id for one in await scene.hitl.expire_due()} == {broken, sound}
    assert (await scene.hitl.get(ANN, sound)).preview


async def test_a_warning_is_given_once_with_60_seconds_left(scene: Scene, another: Scene) -> None:
    near, far = await scene.ask(scene.call("near")), await scene.ask(scene.call("far"))
    now = utc_now()
    await scene.set_back(near, expires_at=now + timedelta(seconds=59))
    await scene.set_back(far, expires_at=now + timedelta(seconds=70))
    for replica in (scene, another, scene):
        assert await replica.hitl.expire_due() == []
    (warned,) = scene.heard(ApprovalExpiring) + another.heard(ApprovalExpiring)
    assert warned.approval_id == near
    assert (await scene.hitl.answer(ANN, near, True)).status == "approved"


async def test_an_edited_call_runs_with_what_the_human_wrote(scene: Scene) -> None:
    call = scene.call()
    approval_id = await scene.ask(call)
    edited = {"path": "a.py", "content": "print(2)"}
    record = await scene.hitl.answer(ANN, approval_id, True, edited)
    assert record.parameters == {"path": "a.py", "content": "print(1)"}
    assert record.edited_parameters == edited
    assert (await scene.hitl.get(ANN, approval_id)) == record
    assert "print(2)" in record.preview
    (told,) = scene.heard(ApprovalResolved)
    assert told.edited
    with pytest.raises(ApprovalStale):
        await scene.hitl.enter(call)
    await scene.hitl.enter(scene.call(content="print(2)"))
    assert told.digest == scene.heard(ApprovalUsedEvent)[0].digest


async def test_parameters_that_were_sent_back_unchanged_are_no_edit(scene: Scene) -> None:
    call = scene.call()
    record = await scene.hitl.answer(
        ANN, await scene.ask(call), True, {"content": "print(1)", "path": "a.py"}
    )
    assert record.edited_parameters is None
    await scene.hitl.enter(call)


async def test_an_edit_that_cannot_work_is_refused_and_the_request_still_waits(
    scene: Scene,
) -> None:
    approval_id = await scene.ask()
    with pytest.raises(InvalidInput) as refused:
        await scene.hitl.answer(ANN, approval_id, True, {"content": "x"})
    assert refused.value.field == "path"
    assert (await scene.hitl.get(ANN, approval_id)).status == "pending"
    assert (await scene.hitl.answer(ANN, approval_id, True)).status == "approved"


@pytest.mark.parametrize("edited", [None, {"path": "a.py", "content": "print(2)"}])
@pytest.mark.parametrize("change", ["state", "gone"])
async def test_a_yes_to_what_has_changed_runs_nothing_and_says_so(
    scene: Scene, edited: dict[str, Any] | None, change: str
) -> None:
    call = scene.call()
    approval_id = await scene.ask(call)
    before = scene.target.state
    if change == "gone":
        scene.target.gone = True
    else:
        scene.target.state = "changed by somebody else"
    with pytest.raises(ApprovalStale) as refused:
        await scene.hitl.answer(ANN, approval_id, True, edited)
    assert (refused.value.code, refused.value.status) == ("approval_stale", 409)
    # Even if the target is then put back: the human was told that their yes did not count.
    scene.target.gone, scene.target.state = False, before
    for content in ("print(1)", "print(2)"):
        with pytest.raises(ApprovalStale):
            await scene.hitl.enter(scene.call(content=content))
    with pytest.raises(AlreadyAnswered):
        await scene.hitl.answer(ANN, approval_id, True)

    again = await scene.ask(scene.call())
    assert (await scene.hitl.for_turn(scene.turn_id))["call_1"].id == again
    await scene.hitl.answer(ANN, again, True)
    await scene.hitl.enter(scene.call())


async def test_a_no_to_what_has_changed_is_a_no(scene: Scene) -> None:
    approval_id = await scene.ask()
    scene.target.gone = True
    assert (await scene.hitl.answer(ANN, approval_id, False)).status == "rejected"


async def test_what_changed_after_the_yes_does_not_pass_the_gate(scene: Scene) -> None:
    await scene.hitl.answer(ANN, await scene.ask(), True)
    scene.target.state = "changed by somebody else"
    with pytest.raises(ApprovalStale):
        await scene.hitl.enter(scene.call())


async def test_only_the_newest_approval_of_a_call_counts(scene: Scene) -> None:
    call = scene.call()
    await scene.hitl.answer(ANN, await scene.ask(call), True)
    await scene.ask(call)
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(call)


@pytest.mark.parametrize(
    "other",
    [
        {"session_id": "0" * 32},
        {"turn_id": "0" * 32},
        {"call_id": "call_2"},
        {"tool": "delete_file"},
    ],
)
async def test_an_approval_is_for_its_own_call_only(scene: Scene, other: dict[str, str]) -> None:
    call = scene.call()
    await scene.hitl.answer(ANN, await scene.ask(call), True)
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(msgspec.structs.replace(call, **other))
    await scene.hitl.enter(call)


async def test_the_same_call_name_in_two_sessions_is_two_calls(scene: Scene) -> None:
    call = scene.call()
    await scene.hitl.answer(ANN, await scene.ask(call), True)
    await scene.hitl.enter(call)
    scene.session_id, scene.turn_id = new_id(), new_id()
    await scene.open_session(scene.session_id)
    second = scene.call()
    await scene.hitl.answer(ANN, await scene.ask(second), True)
    await scene.hitl.enter(second)


@pytest.mark.parametrize(
    "changed", [{"active_turn_id": None}, {"active_turn_id": new_id()}, {"cancel_requested": True}]
)
async def test_what_was_approved_in_a_turn_that_does_not_go_on_does_not_start(
    scene: Scene, changed: dict[str, Any]
) -> None:
    call = scene.call()
    approval_id = await scene.ask(call)
    await scene.hitl.answer(ANN, approval_id, True)
    async with scene.db.transaction() as tx:
        await tx.execute(sa.update(sessions).values(**changed))
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(call)
    assert (await scene.hitl.get(ANN, approval_id)).used_at is None


async def test_policy_allows_with_a_row_that_was_approved_by_policy(scene: Scene) -> None:
    scene.with_rules(Rule(decision=Decision.ALLOW, paths=("*.py",), reason="Python."))
    call = scene.call()
    assert await scene.review(call, paths=("a.py",)) == Allowed()
    record = (await scene.hitl.for_turn(scene.turn_id))["call_1"]
    assert (record.status, record.responded_by) == ("approved", "policy")
    (applied,) = scene.heard(PolicyApplied)
    assert (applied.decision, applied.reason, applied.digest) == ("allow", "Python.", call.digest)
    assert await scene.answers() == []
    await scene.hitl.enter(call)
    with pytest.raises(ApprovalUsed):
        await scene.hitl.enter(call)
    with pytest.raises(AlreadyAnswered):
        await scene.hitl.answer(ANN, record.id, False)


@pytest.mark.parametrize("protected", [True, False])
async def test_policy_denies_with_a_reason_and_a_row(scene: Scene, protected: bool) -> None:
    scene.with_rules(Rule(decision=Decision.DENY, reason="Not here."))
    denied = await scene.review(scene.call(), protected=protected)
    assert isinstance(denied, Denied)
    assert denied.reason.endswith("Not here.")
    assert (await scene.hitl.for_turn(scene.turn_id))["call_1"].status == "rejected"
    assert scene.heard(PolicyApplied)[0].decision == "deny"
    with pytest.raises(ApprovalMissing):
        await scene.hitl.enter(scene.call())


async def test_policy_may_ask_about_a_tool_that_does_not(scene: Scene) -> None:
    scene.with_rules(Rule(decision=Decision.ASK, tool="read_*", reason="Personal data."))
    asked = await scene.review(scene.call(tool="read_file"), protected=False)
    assert isinstance(asked, Pending)
    assert asked.reason == "Personal data."
    assert (await scene.hitl.get(ANN, asked.approval_id)).reason == "Personal data."
    by_default = await scene.review(scene.call("other"))
    assert isinstance(by_default, Pending) and by_default.reason == ""


async def test_the_51st_request_within_an_hour_is_refused(scene: Scene) -> None:
    for number in range(50):
        await scene.ask(scene.call(f"call_{number}"))
    with pytest.raises(RateLimited) as refused:
        await scene.ask(scene.call("call_51"))
    assert refused.value.retry_after_s
    assert await count_rows(scene) == 50


async def test_a_cancelled_turn_waits_for_nobody(scene: Scene) -> None:
    waiting = await scene.ask(scene.call("waiting"))
    done = await scene.ask(scene.call("done"))
    await scene.hitl.answer(ANN, done, True)
    for _ in range(2):
        async with scene.db.transaction() as tx:
            await scene.hitl.cancel_for_turn(tx, scene.session_id, scene.turn_id)
    record = await scene.hitl.get(ANN, waiting)
    assert (record.status, record.responded_by) == ("rejected", "cancellation")
    assert (await scene.hitl.get(ANN, done)).status == "approved"
    assert [fact.call_id for fact in await scene.answers()] == ["done", "waiting"]
    with pytest.raises(AlreadyAnswered):
        await scene.hitl.answer(ANN, waiting, True)


async def test_answers_race_the_cancellation_of_a_turn_that_waits_for_several(
    scene: Scene, another: Scene
) -> None:
    async def cancel() -> None:
        async with another.db.transaction() as tx:
            await another.hitl.cancel_for_turn(tx, scene.session_id, scene.turn_id)

    for round_ in range(5):
        asked = [await scene.ask(scene.call(f"call_{round_}_{number}")) for number in range(3)]
        # Whoever waits for somebody who waits for them is thrown out after a second or more.
        outcomes = await asyncio.gather(
            cancel(),
            *(scene.hitl.answer(ANN, approval_id, True) for approval_id in reversed(asked)),
            return_exceptions=True,
        )
        assert not [one for one in outcomes if isinstance(one, DatabaseUnavailable)]
        for approval_id in asked:
            status = (await scene.hitl.get(ANN, approval_id)).status
            facts = [fact for fact in await scene.answers() if fact.approval_id == approval_id]
            assert [fact.status for fact in facts] == [status]


async def test_an_answer_races_a_cancellation_and_one_of_them_wins(
    scene: Scene, another: Scene
) -> None:
    async def cancel(approval_id: str) -> None:
        async with another.db.transaction() as tx:
            await another.hitl.cancel_for_turn(tx, scene.session_id, scene.turn_id)

    for number in range(15):
        approval_id = await scene.ask(scene.call(f"call_{number}"))
        answer, _ = await asyncio.gather(
            scene.hitl.answer(ANN, approval_id, True),
            cancel(approval_id),
            return_exceptions=True,
        )
        status = (await scene.hitl.get(ANN, approval_id)).status
        facts = [fact for fact in await scene.answers() if fact.approval_id == approval_id]
        assert [fact.status for fact in facts] == [status]
        assert (status == "approved") == (not isinstance(answer, CodeLabError))


async def test_an_answer_and_its_fact_are_stored_together_or_not_at_all(scene: Scene) -> None:
    approval_id = await scene.ask()
    # The next number of the log is taken, so that the fact cannot be stored.
    taken = {"session_id": scene.session_id, "seq": 1, "epoch": 1, "turn_id": "", "task_id": ""}
    async with scene.db.transaction() as tx:
        await tx.execute(sa.insert(entries).values(**taken, kind="done", at=utc_now(), body=b""))
    with pytest.raises(sa.exc.IntegrityError):
        await scene.hitl.answer(ANN, approval_id, True)
    assert (await scene.hitl.get(ANN, approval_id)).status == "pending"
    assert scene.heard(ApprovalResolved) == []
    async with scene.db.transaction() as tx:
        await tx.execute(sa.delete(entries))
    assert (await scene.hitl.answer(ANN, approval_id, True)).status == "approved"
    assert len(await scene.answers()) == 1


async def test_a_deleted_session_takes_its_approvals_with_it(scene: Scene) -> None:
    approval_id = await scene.ask()
    async with scene.db.transaction() as tx:
        await tx.execute(sa.delete(sessions))
    with pytest.raises(ApprovalNotFound):
        await scene.hitl.answer(ANN, approval_id, True)
    assert await count_rows(scene) == 0


async def test_nothing_that_was_written_is_readable_in_the_table(scene: Scene) -> None:
    marked = "marked-secret-in-a-file"
    approval_id = await scene.ask(scene.call(content=marked))
    edited = {"path": "a.py", "content": f"{marked} edited"}
    await scene.hitl.answer(ANN, approval_id, True, edited)
    second = await scene.ask(scene.call("second", content=marked))
    await scene.hitl.answer(ANN, second, False, feedback=marked)
    async with scene.db.read() as db:
        rows = (await db.execute(sa.select(approvals))).all()
    assert marked.encode() not in b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
    first_two = [row.parameters for row in rows]
    assert first_two[0] != first_two[1]


async def test_lists_are_newest_first_filtered_and_paged(scene: Scene) -> None:
    ids = []
    for number in range(5):
        ids.append(await scene.ask(scene.call(f"call_{number}")))
        await asyncio.sleep(0.002)
    await scene.hitl.answer(ANN, ids[1], False)
    found = await scene.hitl.list_for(ANN)
    assert [one.id for one in found] == ids[::-1]
    rejected = await scene.hitl.list_for(ANN, status="rejected", session_id=scene.session_id)
    assert [one.id for one in rejected] == [ids[1]]
    assert await scene.hitl.list_for(ANN, session_id=new_id()) == []
    page = await scene.hitl.list_for(ANN, limit=2)
    rest = await scene.hitl.list_for(ANN, before=page[-1].id)
    assert [one.id for one in (*page, *rest)] == ids[::-1]
