"""Completes the facts of a call by what the rules say of it; pure."""

from __future__ import annotations

import shlex
from typing import Literal

import msgspec

from codelab.hitl.commands.wrappers import understand
from codelab.hitl.errors import RuleInvalid
from codelab.hitl.policy import Subject, Verdict
from codelab.hitl.rulebook import InForce
from codelab.hitl.standing import rule_for
from codelab.sdk.facts import AskingRule, CallFacts, CommandFacts, StandingRule

_MOST_PARTS = 100


def completed(
    facts: CallFacts, subject: Subject, verdict: Verdict, deciding: tuple[InForce, ...]
) -> CallFacts:
    """Say which rule asks, what an answer with `always` would allow, and what a command runs.

    Args:
        facts: What the tool has said.
        subject: The call as the rules see it.
        verdict: What was decided.
        deciding: The rules that led to it, with whose they are.
    """
    always, refused = _always(subject)
    command = facts.command
    if command is not None and subject.command is not None:
        command = _understood(command, subject.command)
    return msgspec.structs.replace(
        facts,
        command=command,
        asked_by=_asking(verdict, deciding),
        always=always,
        always_refused=refused,
    )


def _asking(verdict: Verdict, deciding: tuple[InForce, ...]) -> AskingRule:
    if not deciding:
        source: Literal["built_in", "tool"] = "built_in" if verdict.reason else "tool"
        return AskingRule(source=source, reason=verdict.reason)
    first = deciding[0]
    return AskingRule(
        source=first.source,
        rule_id=first.rule_id,
        tool=first.rule.tool,
        paths=first.rule.paths,
        commands=first.rule.commands,
        reason=first.rule.reason,
    )


def _always(subject: Subject) -> tuple[StandingRule | None, str]:
    try:
        rule = rule_for(subject)
    except RuleInvalid as error:
        return None, error.message
    return StandingRule(tool=rule.tool, paths=rule.paths, commands=rule.commands), ""


def _understood(facts: CommandFacts, text: str) -> CommandFacts:
    command = understand(text)
    parts = tuple(
        shlex.join(word.text for word in step.words) for step in command.steps[:_MOST_PARTS]
    )
    return msgspec.structs.replace(facts, parts=parts, doubt=command.doubt)
