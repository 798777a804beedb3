"""What a human is told of a call as data: who asks, what it runs, what `always` would allow."""

from __future__ import annotations

from codelab.hitl.api import Decision, Pending, Rule, Subject
from codelab.hitl.describing import completed
from codelab.hitl.policy import decide
from codelab.hitl.rulebook import InForce, Scope
from codelab.sdk.facts import AskingRule, CallFacts, CommandFacts, StandingRule
from tests.hitl.conftest import ANN, Scene

COMMAND = CommandFacts(folder="/w", layer="box", network="none", timeout_s=30)


def described(command: str, *rules: InForce) -> CallFacts:
    subject = Subject(tool="execute_command", protected=True, command=command, root="/w")
    verdict = decide([one.rule for one in rules], subject)
    deciding = tuple(one for one in rules if one.rule in verdict.rules)
    return completed(CallFacts(command=COMMAND), subject, verdict, deciding)


def test_a_command_is_taken_apart_and_may_be_allowed_from_then_on() -> None:
    facts = described("pytest -q && ls 'a b'")
    assert facts.command is not None
    assert facts.command.parts == ("pytest -q", "ls 'a b'")
    assert facts.asked_by == AskingRule(source="tool")
    assert facts.always == StandingRule(tool="execute_command", commands=("pytest -q && ls 'a b'",))


def test_what_no_rule_can_allow_says_why() -> None:
    facts = described("eval $SOMETHING")
    assert facts.command is not None
    assert facts.command.doubt
    assert facts.always is None
    assert "asked every time" in facts.always_refused
    assert facts.asked_by is not None
    assert (facts.asked_by.source, facts.asked_by.reason) == ("built_in", facts.command.doubt)


def test_the_rule_that_asks_is_named_with_whose_it_is() -> None:
    rule = Rule(decision=Decision.ASK, commands=("npm *",), reason="It takes long.")
    facts = described("npm test", InForce(rule=rule, source="session", rule_id="r1"))
    assert facts.asked_by == AskingRule(
        source="session", rule_id="r1", tool="*", commands=("npm *",), reason="It takes long."
    )


async def test_facts_are_kept_with_the_request(scene: Scene) -> None:
    rule = Rule(decision=Decision.ASK, tool="write_file", reason="Look twice.")
    stored = await scene.rules.add(ANN, Scope(session_id=scene.session_id), rule)
    pending = await scene.review(scene.call(), paths=("a.py",))
    assert isinstance(pending, Pending)
    record = await scene.hitl.get(ANN, pending.approval_id)
    assert record.facts == pending.facts
    assert record.facts.asked_by is not None
    assert record.facts.asked_by.rule_id == stored.id
    assert record.facts.always == StandingRule(tool="write_file", paths=("/a.py",))
