"""Rules of workspaces and sessions: whose calls they decide, and that they can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from codelab.auth.api import Principal
from codelab.hitl.api import Allowed, Decision, Denied, HitlSettings, Pending, Rule
from codelab.hitl.errors import RuleInvalid, RuleNotFound
from codelab.hitl.events import RuleAdded, RuleRevoked
from codelab.hitl.models import policy_rules
from codelab.hitl.rulebook import MOST_RULES, Scope
from codelab.kit.crypto import SealBroken
from codelab.kit.errors import NotFound
from codelab.kit.ids import new_id
from tests.agents.stage import until_awaited
from tests.hitl.conftest import ANN, BEN, Scene

ALLOW = Rule(decision=Decision.ALLOW, tool="write_file", paths=("*.py",))
PYTHON: dict[str, Any] = {"paths": ("a.py",)}


Where = Callable[[Scene], Scope]


def in_session(scene: Scene) -> Scope:
    return Scope(session_id=scene.session_id)


def in_workspace(scene: Scene) -> Scope:
    return Scope(workspace_id=scene.workspace_id)


@pytest.mark.parametrize("where", [in_session, in_workspace])
async def test_a_rule_decides_from_the_next_call_on_until_it_is_revoked(
    scene: Scene, where: Where
) -> None:
    assert isinstance(await scene.review(scene.call("before"), **PYTHON), Pending)
    stored = await scene.rules.add(ANN, where(scene), ALLOW)
    assert await scene.review(scene.call("while"), **PYTHON) == Allowed()
    await scene.rules.revoke(ANN, stored.id)
    assert isinstance(await scene.review(scene.call("after"), **PYTHON), Pending)
    (added,), (revoked,) = scene.heard(RuleAdded), scene.heard(RuleRevoked)
    assert added.rule_id == revoked.rule_id == stored.id


async def test_a_rule_of_another_session_or_workspace_does_not_count(scene: Scene) -> None:
    await scene.rules.add(ANN, in_session(scene), ALLOW)
    await scene.rules.add(ANN, in_workspace(scene), ALLOW)
    scene.session_id, scene.turn_id = new_id(), new_id()
    await scene.open_session(scene.session_id)
    elsewhere = await scene.review(scene.call(), workspace_id=new_id(), **PYTHON)
    assert isinstance(elsewhere, Pending)


async def test_a_rule_is_for_the_calls_of_its_own_user(scene: Scene) -> None:
    await scene.rules.add(BEN, in_workspace(scene), ALLOW)
    assert len(await scene.rules.list_for(BEN, in_workspace(scene))) == 1
    assert isinstance(await scene.review(scene.call(), **PYTHON), Pending)
    assert await scene.rules.list_for(ANN, in_workspace(scene)) == []


async def test_what_the_server_forbids_no_user_allows(scene: Scene) -> None:
    scene.with_rules(Rule(decision=Decision.DENY, paths=("a.py",), reason="Frozen."))
    await scene.rules.add(ANN, in_session(scene), ALLOW)
    assert isinstance(await scene.review(scene.call(), **PYTHON), Denied)


async def test_a_user_may_forbid_what_the_server_allows(scene: Scene) -> None:
    scene.with_rules(ALLOW)
    deny = Rule(decision=Decision.DENY, tool="write_file", reason="Look only.")
    await scene.rules.add(ANN, in_session(scene), deny)
    denied = await scene.review(scene.call(), **PYTHON)
    assert denied == Denied(reason="Policy forbids this. Look only.")


async def test_rules_are_listed_and_an_equal_one_is_kept_once(scene: Scene) -> None:
    first = await scene.rules.add(ANN, in_session(scene), ALLOW)
    other = Rule(decision=Decision.ASK, tool="read_*")
    second = await scene.rules.add(ANN, in_session(scene), other)
    assert await scene.rules.add(ANN, in_session(scene), ALLOW) == first
    assert await scene.rules.list_for(ANN, in_session(scene)) == [first, second]
    assert await scene.rules.list_for(ANN, in_workspace(scene)) == []


async def test_sessions_and_rules_of_others_are_not_there(scene: Scene) -> None:
    stored = await scene.rules.add(ANN, in_session(scene), ALLOW)
    with pytest.raises(NotFound):
        await scene.rules.list_for(BEN, in_session(scene))
    with pytest.raises(NotFound):
        await scene.rules.add(BEN, in_session(scene), ALLOW)
    with pytest.raises(NotFound):
        await scene.rules.add(ANN, Scope(workspace_id=new_id()), ALLOW)
    with pytest.raises(RuleNotFound):
        await scene.rules.revoke(BEN, stored.id)
    with pytest.raises(RuleNotFound):
        await scene.rules.revoke(Principal(user_id=ANN.user_id, name="ann"), new_id())


def test_a_scope_is_one_of_the_two() -> None:
    with pytest.raises(RuleInvalid):
        Scope()
    with pytest.raises(RuleInvalid):
        Scope(session_id="s", workspace_id="w")


async def test_a_scope_has_room_for_so_many(scene: Scene) -> None:
    for number in range(MOST_RULES):
        rule = Rule(decision=Decision.ASK, tool=f"tool_{number}")
        await scene.rules.add(ANN, in_session(scene), rule)
    with pytest.raises(RuleInvalid):
        await scene.rules.add(ANN, in_session(scene), ALLOW)


async def test_rules_are_sealed_and_one_that_cannot_be_read_allows_nothing(scene: Scene) -> None:
    marked = Rule(decision=Decision.DENY, commands=("marked-secret",))
    await scene.rules.add(ANN, in_session(scene), marked)
    async with scene.db.transaction() as tx:
        (row,) = (await tx.execute(sa.select(policy_rules))).all()
        assert b"marked-secret" not in row.rule
        broken = row.rule[:-1] + bytes([row.rule[-1] ^ 1])
        await tx.execute(sa.update(policy_rules).values(rule=broken))
    with pytest.raises(SealBroken):
        await scene.review(scene.call())


async def test_always_makes_a_rule_for_this_call_in_this_session(scene: Scene) -> None:
    approval_id = await scene.ask(scene.call("first"))
    await scene.hitl.answer(ANN, approval_id, True, always=True)
    (stored,) = await scene.rules.list_for(ANN, in_session(scene))
    assert stored.approval_id == approval_id
    assert stored.rule == Rule(decision=Decision.ALLOW, tool="write_file", paths=("/a.py",))
    assert await scene.review(scene.call("again"), **PYTHON) == Allowed()
    assert isinstance(await scene.review(scene.call("other"), paths=("sub/a.py",)), Pending)
    another_tool = scene.call("more", tool="delete_file")
    assert isinstance(await scene.review(another_tool, **PYTHON), Pending)


async def test_always_is_about_what_the_human_made_of_the_call(scene: Scene) -> None:
    approval_id = await scene.ask()
    edited = {"path": "b.py", "content": "print(1)"}
    await scene.hitl.answer(ANN, approval_id, True, edited, always=True)
    (stored,) = await scene.rules.list_for(ANN, in_session(scene))
    assert stored.rule.paths == ("/b.py",)


async def test_always_of_a_no_or_of_what_came_too_late_makes_no_rule(scene: Scene) -> None:
    refused, changed = await scene.ask(scene.call("one")), await scene.ask(scene.call("two"))
    await scene.hitl.answer(ANN, refused, False, always=True)
    scene.target.state = "second"
    with pytest.raises(Exception, match="has changed"):
        await scene.hitl.answer(ANN, changed, True, always=True)
    assert await scene.rules.list_for(ANN, in_session(scene)) == []


async def test_the_servers_own_policy_is_never_changed_without_asking(scene: Scene) -> None:
    await scene.rules.add(ANN, in_session(scene), Rule(decision=Decision.ALLOW))
    scene.with_settings(HitlSettings(policy_file=Path("/w/config/rules.toml")))
    inside: dict[str, Any] = {"root": "/w"}
    other = await scene.review(scene.call("other"), paths=("config/other.toml",), **inside)
    assert other == Allowed()
    asked = await scene.review(scene.call("own"), paths=("config/rules.toml",), **inside)
    assert isinstance(asked, Pending)
    command = scene.call("command", tool="execute_command")
    by_command = await scene.review(command, command="cp a config/rules.toml", **inside)
    assert isinstance(by_command, Pending)


async def test_what_is_blocked_no_rule_allows(scene: Scene) -> None:
    await scene.rules.add(ANN, in_session(scene), Rule(decision=Decision.ALLOW))
    command = scene.call(tool="execute_command")
    denied = await scene.review(command, command="cd /w && rm -r -f .", root="/w")
    assert isinstance(denied, Denied)


async def test_how_often_a_rule_decides_is_counted(scene: Scene) -> None:
    scene.rules.count_uses(scene.bus)
    await scene.bus.start()
    allow = await scene.rules.add(ANN, in_session(scene), ALLOW)
    ask = Rule(decision=Decision.ASK, tool="delete_file")
    asking = await scene.rules.add(ANN, in_workspace(scene), ask)
    for number in range(3):
        assert await scene.review(scene.call(f"a{number}"), **PYTHON) == Allowed()
    await scene.ask(scene.call("b", tool="delete_file"))

    async def counted() -> bool:
        hits = {one.id: one.hits for one in await scene.rules.list_all(ANN)}
        return hits == {allow.id: 3, asking.id: 1}

    await until_awaited(counted)
    assert all(one.last_used_at for one in await scene.rules.list_all(ANN))
    await scene.bus.close()
