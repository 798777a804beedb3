"""Every request, decision, timeout and execution is recorded: who acted, how long it took."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from codelab.audit.api import Audit, AuditFilter, ChainedEntry, verify
from codelab.audit.subscribers import OBSERVED
from codelab.hitl import events as hitl
from codelab.hitl.policy import Decision, Rule
from codelab.kit.clock import utc_now
from codelab.kit.events import EphemeralEvent, Event
from codelab.llm import events as llm
from codelab.tools import events as tools
from tests.audit.conftest import SECRETS
from tests.hitl.conftest import ANN, Scene, scene

__all__ = ["scene"]


@pytest.fixture
async def audit(scene: Scene) -> AsyncIterator[Audit]:
    """The audit log of a replica on which approvals are asked for."""
    made = Audit(scene.db, scene.bus, SECRETS)
    yield made
    await made.close()


async def approvals_of(audit: Audit) -> list[tuple[str, dict[str, Any]]]:
    """Return what was recorded about approvals, oldest first, each with its actor."""
    found: list[ChainedEntry] = await audit.list_entries(AuditFilter())
    assert {one.user_id for one in found} <= {ANN.user_id}
    recorded = [one for one in reversed(found) if one.resource_type == "approval"]
    assert all(one.details["agent"] == "coder" for one in recorded)
    return [(one.action, dict(one.details)) for one in recorded]


@pytest.mark.parametrize("module", [hitl, tools, llm])
def test_nothing_that_is_told_of_approvals_executions_and_models_is_left_out(module: Any) -> None:
    told = {
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Event)
        and kind.__module__ == module.__name__
        and not issubclass(kind, EphemeralEvent)
        and not kind.__subclasses__()
    }
    assert told
    assert told <= set(OBSERVED)


async def test_a_request_its_decision_and_its_use(scene: Scene, audit: Audit) -> None:
    call = scene.call()
    approval_id = await scene.ask(call)
    await scene.set_back(approval_id, created_at=utc_now() - timedelta(seconds=5))
    await scene.hitl.answer(ANN, approval_id, True)
    await scene.hitl.enter(call)
    (requested, _), (decided, details), (used, _) = await approvals_of(audit)
    assert (requested, decided, used) == (
        "approval.requested",
        "approval.approved",
        "approval.used",
    )
    assert details["by"] == ANN.name
    assert 5000 <= details["response_time_ms"] < 60_000
    assert (await verify(scene.db, SECRETS)).head.seq >= 3


async def test_a_refusal(scene: Scene, audit: Audit) -> None:
    await scene.hitl.answer(ANN, await scene.ask(), False)
    action, details = (await approvals_of(audit))[-1]
    assert (action, details["by"]) == ("approval.rejected", ANN.name)
    assert isinstance(details["response_time_ms"], int)


async def test_a_timeout(scene: Scene, audit: Audit) -> None:
    approval_id = await scene.ask()
    now = utc_now()
    await scene.set_back(
        approval_id, created_at=now - timedelta(seconds=300), expires_at=now - timedelta(seconds=1)
    )
    await scene.hitl.expire_due()
    action, details = (await approvals_of(audit))[-1]
    assert (action, details["by"]) == ("approval.timed_out", "deadline")
    assert details["response_time_ms"] >= 299_000


async def test_a_cancellation(scene: Scene, audit: Audit) -> None:
    await scene.ask()
    async with scene.db.transaction() as tx:
        await scene.hitl.cancel_for_turn(tx, scene.session_id, scene.turn_id)
    action, details = (await approvals_of(audit))[-1]
    assert (action, details["by"]) == ("approval.rejected", "cancellation")


@pytest.mark.parametrize("decision", [Decision.ALLOW, Decision.DENY])
async def test_a_decision_of_the_policy(scene: Scene, audit: Audit, decision: Decision) -> None:
    scene.with_rules(Rule(decision=decision, reason="So."))
    await scene.review(scene.call())
    ((action, details),) = await approvals_of(audit)
    assert (action, details["by"], details["response_time_ms"]) == ("policy.applied", "policy", 0)
    assert details["decision"] == decision.value
