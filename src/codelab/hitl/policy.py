"""Who decides about a call: ordered rules, as data, and the tool's own default.

Deny goes before ask, ask before allow, allow before the default, which is to ask for protected
tools and to allow the others.
"""

from __future__ import annotations

import enum
import posixpath
import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

# One plain program call has none of these: they chain, redirect, expand or comment.
_BEYOND_PLAIN = re.compile(r"[;&|<>()$`\\{}*?\[\]~#!\x00-\x1f\x7f]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class Decision(enum.StrEnum):
    """What happens with a call."""

    DENY = "deny"
    ASK = "ask"
    ALLOW = "allow"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. What it doesn't name, it doesn't look at.

    Args:
        decision: What happens with the calls that it matches.
        tool: A pattern of tools' names.
        paths: Patterns of paths; one without a slash matches the file's name. To allow, all
            paths of the call must match; to ask or deny, one is enough.
        commands: Patterns of whole command lines.
        reason: Why, for the agent and the record.
    """

    decision: Decision
    tool: str = "*"
    paths: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    reason: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a server, in the order in which they are read."""

    rules: tuple[Rule, ...] = ()


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What rules look at.

    Args:
        tool: The tool's name.
        protected: Whether the tool asks by default.
        paths: The paths that would be touched, relative to the workspace.
        command: The command line that would run, if any.
    """

    tool: str
    protected: bool
    paths: tuple[str, ...] = ()
    command: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and why."""

    decision: Decision
    reason: str = ""


def decide(rules: Sequence[Rule], subject: Subject) -> Verdict:
    """Decide about a call."""
    for decision in (Decision.DENY, Decision.ASK):
        for rule in rules:
            if rule.decision is decision and _touches(rule, subject):
                return Verdict(decision=decision, reason=rule.reason)
    if subject.command is not None and not is_plain(subject.command):
        return Verdict(decision=Decision.ASK, reason="The command is more than one program call.")
    for rule in rules:
        if rule.decision is Decision.ALLOW and _covers(rule, subject):
            return Verdict(decision=Decision.ALLOW, reason=rule.reason)
    return Verdict(decision=Decision.ASK if subject.protected else Decision.ALLOW)


def is_plain(command: str) -> bool:
    """Tell whether a command line is one program with fixed arguments and nothing else."""
    if _BEYOND_PLAIN.search(command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and bool(words[0]) and not _ASSIGNMENT.match(words[0])


def _touches(rule: Rule, subject: Subject) -> bool:
    """Tell whether a rule that restricts speaks of any part of the call."""
    if not fnmatchcase(subject.tool, rule.tool):
        return False
    if rule.paths and not any(_path_matches(rule, path) for path in subject.paths):
        return False
    return not rule.commands or (
        subject.command is not None and _command_matches(rule, subject.command)
    )


def _covers(rule: Rule, subject: Subject) -> bool:
    """Tell whether a rule that allows speaks of the whole call."""
    if not _touches(rule, subject):
        return False
    return not rule.paths or all(
        _inside(path) and _path_matches(rule, path) for path in subject.paths
    )


def _path_matches(rule: Rule, path: str) -> bool:
    plain = posixpath.normpath(path)
    name = plain.rsplit("/", 1)[-1]
    # One that begins with a slash is a path from the workspace's folder on.
    return any(
        fnmatchcase(plain if "/" in pattern else name, pattern.removeprefix("/"))
        for pattern in rule.paths
    )


def _inside(path: str) -> bool:
    plain = posixpath.normpath(path)
    return not plain.startswith("/") and plain.split("/", 1)[0] != ".."


def _command_matches(rule: Rule, command: str) -> bool:
    try:
        # The words as the shell sees them: extra spaces and needless quotes hide nothing.
        plain = shlex.join(shlex.split(command))
    except ValueError:
        plain = command
    return any(
        fnmatchcase(plain, pattern) or fnmatchcase(command, pattern) for pattern in rule.commands
    )
