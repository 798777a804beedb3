"""Who decides about a call: what is built in, then ordered rules, as data, then the tool's default.

What is never allowed goes before deny, deny before ask, ask before what always asks, that before
allow, and allow before the default, which is to ask for protected tools and to allow the others.
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from codelab.hitl.commands.blocks import refuse_command, refuse_paths
from codelab.hitl.commands.guarded import guard_command, guard_paths
from codelab.hitl.commands.patterns import covers, lines_of, touches
from codelab.hitl.commands.wrappers import Command, understand


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
        commands: Patterns of program calls. To allow, all that a command runs must match, be it
            by several rules; to ask or deny, one call is enough, or the command's text.
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
        root: The workspace's folder, absolute, if it is known.
        folder: Where in it the command would run.
        guarded: Paths of the workspace that always ask, besides those that are built in.
        raised: Whether the call can do more harm than its tool usually does.
    """

    tool: str
    protected: bool
    paths: tuple[str, ...] = ()
    command: str | None = None
    root: str | None = None
    folder: str = ""
    guarded: tuple[str, ...] = ()
    raised: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, why, and the rules that led to it; none where it is built in or a default."""

    decision: Decision
    reason: str = ""
    rules: tuple[Rule, ...] = ()


def decide(rules: Sequence[Rule], subject: Subject) -> Verdict:
    """Decide about a call."""
    command = None if subject.command is None else understand(subject.command)
    if reason := _refusal(subject, command):
        return Verdict(decision=Decision.DENY, reason=reason)
    spoken = [rule for rule in rules if fnmatchcase(subject.tool, rule.tool)]
    lines = () if command is None else lines_of(subject.command or "", command)
    for decision in (Decision.DENY, Decision.ASK):
        for rule in spoken:
            if rule.decision is decision and _touches(rule, subject, lines):
                return Verdict(decision=decision, reason=rule.reason, rules=(rule,))
    if reason := _concern(subject, command):
        return Verdict(decision=Decision.ASK, reason=reason)
    allowing = [rule for rule in spoken if rule.decision is Decision.ALLOW]
    if allowed := _allowance(allowing, subject, command):
        return Verdict(decision=Decision.ALLOW, reason=allowed[0].reason, rules=allowed)
    return Verdict(decision=Decision.ASK if subject.protected else Decision.ALLOW)


def _refusal(subject: Subject, command: Command | None) -> str:
    """Say why a call is never allowed, if so."""
    reason = refuse_paths(subject.tool, subject.paths, subject.root)
    if reason or command is None:
        return reason
    return refuse_command(command.steps, subject.root, subject.folder)


def _concern(subject: Subject, command: Command | None) -> str:
    """Say why a human must see a call even if a rule allows it, if so."""
    if command is not None and command.doubt:
        return command.doubt
    if subject.raised:
        return "This call can do more harm than its tool usually does."
    reason = ""
    if subject.protected:
        reason = guard_paths(subject.paths, subject.root, subject.guarded)
    if reason or command is None:
        return reason
    return guard_command(command.steps, subject.root, subject.folder, subject.guarded)


def _touches(rule: Rule, subject: Subject, lines: Sequence[str]) -> bool:
    """Tell whether a rule that restricts speaks of any part of the call."""
    if rule.paths and not any(_path_matches(rule, path) for path in subject.paths):
        return False
    return not rule.commands or touches(rule.commands, lines)


def _allowance(
    rules: Iterable[Rule], subject: Subject, command: Command | None
) -> tuple[Rule, ...]:
    """Find the rules that together allow the whole call, if they do; the best reason first."""
    fitting = [rule for rule in rules if _covers_paths(rule, subject.paths)]
    if command is None:
        fitting = [rule for rule in fitting if not rule.commands]
        return tuple(fitting[:1])
    text = subject.command or ""
    patterns = [pattern for rule in fitting for pattern in rule.commands or ("*",)]
    if not covers(patterns, text, command):
        return ()
    # One that covers it alone tells the best reason; else the first that has a part in it.
    for rule in fitting:
        if covers(rule.commands or ("*",), text, command):
            return (rule,)
    lines = lines_of(text, command)
    parts = tuple(rule for rule in fitting if touches(rule.commands or ("*",), lines))
    return parts or (fitting[0],)


def _covers_paths(rule: Rule, paths: Sequence[str]) -> bool:
    if not rule.paths:
        return True
    return bool(paths) and all(_inside(path) and _path_matches(rule, path) for path in paths)


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
