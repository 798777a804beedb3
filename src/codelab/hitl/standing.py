"""From one approved call to a rule that lets the same call through from then on; pure."""

from __future__ import annotations

import glob
import shlex

from codelab.hitl.commands.wrappers import understand
from codelab.hitl.errors import RuleInvalid
from codelab.hitl.policy import Decision, Rule, Subject, decide


def rule_for(subject: Subject) -> Rule:
    """Return the narrowest rule that allows such a call: its tool on its paths, its command.

    Raises:
        RuleInvalid: A human is asked about such a call whatever rules say, or nothing tells it
            apart from other calls of its tool.
    """
    if not subject.paths and subject.command is None:
        raise RuleInvalid(
            f"A rule cannot tell this call of {subject.tool} apart from others. Approve it for "
            "this once, or make a rule for the tool.",
            field="always",
        )
    commands = () if subject.command is None else _commands(subject.command)
    rule = Rule(
        decision=Decision.ALLOW,
        tool=_literally(subject.tool),
        paths=tuple(f"/{_literally(path)}" for path in subject.paths),
        commands=commands,
    )
    verdict = decide((rule,), subject)
    if verdict.decision is not Decision.ALLOW:
        raise RuleInvalid(
            f"This is asked every time. {verdict.reason} Approve it for this once.".replace(
                "  ", " "
            ),
            field="always",
        )
    return rule


def _commands(command: str) -> tuple[str, ...]:
    """Return patterns that fit this command line and no other."""
    if _literally(command) == command:
        return (command,)
    # A wildcard within quotes would be one in the pattern, too.
    return tuple(
        _literally(shlex.join(word.text for word in step.words))
        for step in understand(command).steps
    )


def _literally(text: str) -> str:
    return glob.escape(text)
