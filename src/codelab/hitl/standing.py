"""From one approved call to a rule that lets the same call through from then on; pure."""

from __future__ import annotations

import glob
import shlex

from codelab.hitl.errors import RuleInvalid
from codelab.hitl.policy import Decision, Rule, Subject, decide


def rule_for(subject: Subject) -> Rule:
    """Return the narrowest rule that allows such a call: its tool on its paths, its command.

    Raises:
        RuleInvalid: A human is asked about such a call whatever rules say.
    """
    commands = () if subject.command is None else (_literally(_plain(subject.command)),)
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


def _plain(command: str) -> str:
    # Rules see the words as the shell does.
    try:
        return shlex.join(shlex.split(command))
    except ValueError:
        return command


def _literally(text: str) -> str:
    return glob.escape(text)
